"""What `fhnbench plugins` shows."""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import TYPE_CHECKING

from rich.text import Text

from fhnbench.errors import FhnbenchError
from fhnbench.plugins.options import option_fields
from fhnbench.plugins.registry import Entry
from fhnbench.plugins.specs import (
    Availability,
    CommandSpec,
    RuntimeSpec,
    SolverSpec,
    Spec,
    SurrogateSpec,
    import_target,
)
from fhnbench.report.console import answers, table

if TYPE_CHECKING:
    from fhnbench.plugins.registry import Plugin, Registry


def overview(found: Registry) -> None:
    """Print a table of every solver and every pair of family and runtime, and what is wrong with any plugin."""
    rows = table(["contender", "kind", "distribution", "status"])
    for solver in found.entries(SolverSpec):
        rows.add_row(solver.spec.name, "solver", _origin(solver), _status(found, solver))
    for family in found.entries(SurrogateSpec):
        for runtime in found.entries(RuntimeSpec):
            origin = ", ".join(dict.fromkeys([_origin(family), _origin(runtime)]))
            rows.add_row(
                f"{family.spec.name}-{runtime.spec.name}", "surrogate", origin, _status(found, family, runtime)
            )
    console = answers()
    console.print(rows)
    for plugin in found.plugins:
        if plugin.error:
            console.print(_quarantined(plugin))


def describe(entry: Entry[Spec]) -> None:
    """Print one item: its origin, whether it can run, its options with types and defaults, its documentation."""
    console = answers()
    spec = entry.spec
    console.print(Text(f"{spec.name}", style="bold") + Text(f"  {spec.kind} of {_origin(entry)}"))
    console.print(Text(spec.summary))
    console.print(_availability(entry.availability))
    if isinstance(spec, CommandSpec):
        console.print(Text(f"fhnbench {spec.name} --help shows its options"))
        return
    if isinstance(spec, SurrogateSpec):
        _show_artifacts(Entry(spec, entry.plugin))
    try:
        cls = import_target(spec.target)
        fields = option_fields(cls)
    except FhnbenchError as error:
        console.print(Text(f"options unknown: {error}"))
        return
    if documentation := inspect.getdoc(cls):
        console.print(Text("\n" + documentation), soft_wrap=not console.is_terminal)
    if fields:
        title = "\nOptions of training" if isinstance(spec, SurrogateSpec) else "\nOptions"
        options = table(["option", "type", "default"], title=title)
        for field in fields:
            default = "" if field.default is dataclasses.MISSING else str(field.default)
            options.add_row(field.name, str(getattr(field.type, "__name__", field.type)), default)
        console.print(options)


def _show_artifacts(entry: Entry[SurrogateSpec]) -> None:
    from fhnbench.plugins.artifacts import SELECTORS, artifacts_of

    rows = table(
        ["problem", "hidden", "activation", "recipe", ("validation MAE", "right"), "file"], title="\nArtifacts"
    )
    for path, metadata in artifacts_of(entry):
        selectors = [SELECTORS[key](metadata) for key in ("hidden", "activation", "recipe")]
        rows.add_row(metadata.problem.name, *selectors, f"{metadata.validation.get('mae', math.nan):.2e}", path.name)
    answers().print(rows)


def _origin(entry: Entry[Spec]) -> str:
    return f"{entry.plugin.distribution} {entry.plugin.version}"


def _status(found: Registry, *entries: Entry[Spec]) -> Text:
    for entry in entries:
        if owners := found.clashes(type(entry.spec), entry.spec.name):
            return Text(f"unusable: declared by {' and by '.join(owners)}; uninstall one of them", style="red")
        if not (availability := entry.availability).available:
            return _availability(availability)
    return _availability(Availability(True))


def _availability(availability: Availability) -> Text:
    return Text(str(availability), style="green" if availability.available else "yellow")


def _quarantined(plugin: Plugin) -> Text:
    return Text(
        f"plugin {plugin.name} of {plugin.distribution} {plugin.version} is broken: {plugin.error}", style="red"
    )
