"""Completion of contenders in a shell: names, and options in brackets."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click
from click.shell_completion import CompletionItem

from fhnbench.errors import FhnbenchError
from fhnbench.workload import Output, Precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench.plugins.contender import Kind, Request


class Contender(click.ParamType):  # type: ignore[type-arg]  # older versions of click take none
    """A contender's name with options; as a parameter it is text, which the command reads.

    Parameters
    ----------
    kinds
        Kinds of contender that are proposed.
    """

    name = "contender"

    def __init__(self, *kinds: Kind) -> None:
        self._kinds = kinds

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the names that begin like `incomplete`, or behind a bracket the options."""
        from fhnbench.plugins.contender import every_contender
        from fhnbench.plugins.registry import registry

        found = [one for one in every_contender(registry()) if one.kind in self._kinds]
        name, bracket, options = incomplete.partition("[")
        if not bracket:
            return [
                CompletionItem(one.name, help=one.entries[0].spec.summary) for one in found if one.name.startswith(name)
            ]
        before, comma, last = options.rpartition(",")
        typed = f"{name}[{before}{comma}"
        return [
            CompletionItem(typed + option)
            for one in found
            if one.name == name
            for option in _options(one)
            if option.startswith(last)
        ]


def _options(one: Request) -> Iterator[str]:
    """Yield what may stand behind the bracket: each option with what it may be, where that is a choice."""
    from fhnbench.plugins.artifacts import SELECTORS
    from fhnbench.plugins.options import option_fields
    from fhnbench.plugins.specs import import_target

    yield from (f"precision={precision}" for precision in get_args(Precision))
    yield from (f"output={output}" for output in get_args(Output))
    if one.kind == "surrogate":
        yield from (f"{selector}=" for selector in SELECTORS)
    try:
        cls = import_target(one.entries[-1].spec.target)
    except FhnbenchError:  # what it needs is not installed, so its options are not known
        return
    yield from (f"{field.name}=" for field in option_fields(cls))
