"""Finding plugins: entry points of the group ``fhnbench``, ours and a third party's alike.

A plugin that fails (to import, to declare known hooks, to return specs) is quarantined: it is listed with its
exception and the rest works. A name that two distributions declare is unusable, and the error names both.
"""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pluggy

from fhnbench.errors import FhnbenchError, one_line
from fhnbench.plugins import hookspecs
from fhnbench.plugins.specs import Availability, CommandSpec, ProbeSpec, RuntimeSpec, SolverSpec, Spec, SurrogateSpec

GROUP = "fhnbench"

API_VERSION = 1
"""Version of everything that plugins build on; a plugin declares it as ``FHNBENCH_API`` and no other is loaded."""

_MANY = 12
"""Names that are not listed one by one in an error, if a command lists them."""

_FEW = 3
"""Names that are proposed where only their beginning was typed, as ``euler`` is of ``euler-cpu``."""

S_co = TypeVar("S_co", bound=Spec, covariant=True)

_HOOKS: dict[str, type[Spec]] = {
    "fhnbench_solvers": SolverSpec,
    "fhnbench_surrogates": SurrogateSpec,
    "fhnbench_runtimes": RuntimeSpec,
    "fhnbench_commands": CommandSpec,
    "fhnbench_probes": ProbeSpec,
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of the group: its name, its distribution, and what went wrong, if anything."""

    name: str
    distribution: str
    version: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Entry(Generic[S_co]):
    """A spec and the plugin that declared it."""

    spec: S_co
    plugin: Plugin

    @property
    def availability(self) -> Availability:
        """Whether the item can run here."""
        return self.spec.availability(self.plugin.distribution)


@dataclass(frozen=True)
class Registry:
    """All plugins that were found and what they declare.

    Parameters
    ----------
    plugins
        Every entry point, quarantined ones included.
    items
        Every spec of the plugins that work, in the order of entry points.
    """

    plugins: tuple[Plugin, ...] = ()
    items: tuple[Entry[Spec], ...] = field(default=())

    def entries(self, kind: type[S_co]) -> tuple[Entry[S_co], ...]:
        """Return the entries of one kind, sorted by name; names that clash are included."""
        chosen: list[Entry[Any]] = [entry for entry in self.items if isinstance(entry.spec, kind)]
        return tuple(sorted(chosen, key=lambda entry: entry.spec.name))

    def clashes(self, kind: type[Spec], name: str) -> tuple[str, ...]:
        """Return the distributions that declare `name` if there is more than one declaration, else nothing."""
        owners = [entry.plugin.distribution for entry in self.entries(kind) if entry.spec.name == name]
        return tuple(owners) if len(owners) > 1 else ()

    def find(self, kind: type[S_co], name: str) -> Entry[S_co]:
        """Return the entry of a name.

        Raises
        ------
        FhnbenchError
            If nothing has that name (the message gives the closest) or two distributions declare it.
        """
        found = [entry for entry in self.entries(kind) if entry.spec.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            owners = " and by ".join(self.clashes(kind, name))
            raise FhnbenchError(f"{kind.kind} {name!r} is declared by {owners}; uninstall one of them")
        raise self.unknown(kind.kind, name, sorted({entry.spec.name for entry in self.entries(kind)}))

    def unknown(self, kind: str, name: str, names: list[str]) -> FhnbenchError:
        """Return the error for a name that nothing has: the closest, those that there are, and what is broken."""
        broken = [plugin.name for plugin in self.plugins if plugin.error]
        remark = f"; broken plugins: {', '.join(broken)} (fhnbench plugins says why)" if broken else ""
        return FhnbenchError(f"no {kind} {name!r}; {suggestion(name, names, 'fhnbench plugins')}{remark}")


def suggestion(name: str, names: list[str], command: str = "") -> str:
    """Return ``did you mean X?`` followed by all names, for error messages.

    Parameters
    ----------
    name
        What was asked for.
    names
        What there is.
    command
        A command that lists the names, to be told in their place where they are many.
    """
    begin = [one for one in names if one.startswith(f"{name}-")][:_FEW]
    close = begin or difflib.get_close_matches(name, names, n=1)
    if command and len(names) > _MANY:
        listed = f"{command} lists all {len(names)}"
    else:
        listed = f"there are {', '.join(names) or 'none'}"
    return f"did you mean {' or '.join(map(repr, close))}? {listed}" if close else listed


@functools.cache
def registry() -> Registry:
    """Return the registry of this environment; entry points are read once a process."""
    return discover(importlib.metadata.entry_points(group=GROUP))


def discover(entry_points: Any) -> Registry:
    """Load plugins from entry points (anything with ``name``, ``dist`` and ``load``)."""
    plugins: list[Plugin] = []
    items: list[Entry[Spec]] = []
    for point in sorted(entry_points, key=lambda point: (point.name, _owner(point))):
        name, version = _owner(point)
        try:
            specs = _specs_of(point)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything; it is shown, not hidden
            plugins.append(Plugin(point.name, name, version, one_line(error)))
            continue
        plugins.append(Plugin(point.name, name, version))
        items.extend(Entry(spec, plugins[-1]) for spec in specs)
    return Registry(tuple(plugins), tuple(items))


def _owner(point: Any) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "unknown")


def _specs_of(point: Any) -> list[Spec]:
    """Return what one plugin declares; a manager of its own keeps one plugin's errors from the others."""
    plugin = point.load()
    _require_api(getattr(plugin, "FHNBENCH_API", None))
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, point.name)
    manager.check_pending()
    specs: list[Spec] = []
    for hook, kind in _HOOKS.items():
        for declared in getattr(manager.hook, hook)():
            for spec in declared:
                if not isinstance(spec, kind):
                    raise TypeError(f"{hook} returned {spec!r}, not a {kind.__name__}")
                specs.append(spec)
    if not specs:
        raise TypeError("it declares nothing; decorate its hooks with @fhnbench.hookimpl")
    return specs


def _require_api(version: object) -> None:
    """Raise `FhnbenchError` unless a plugin is written for this version of the interfaces."""
    if version is None:
        raise FhnbenchError(
            f"it does not say for which version of the plugin API it is written; add FHNBENCH_API = {API_VERSION}"
        )
    if version != API_VERSION:
        raise FhnbenchError(
            f"it is written for version {version} of the plugin API, this fhnbench has version {API_VERSION}; "
            f"install a release of either that fits"
        )
