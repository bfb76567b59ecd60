"""Small registries, made in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhnbench import API_VERSION, RuntimeSpec, SolverSpec, SurrogateSpec, hookimpl
from fhnbench.plugins.registry import discover

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhnbench.plugins.registry import Registry


@dataclass(frozen=True)
class FakeDistribution:
    name: str
    version: str = "1.0"


@dataclass(frozen=True)
class FakeEntryPoint:
    """What `discover` needs of an entry point."""

    name: str
    plugin: object
    dist: FakeDistribution | None

    def load(self) -> object:
        return self.plugin


def plugin_of(
    solvers: Iterable[object] = (), surrogates: Iterable[object] = (), runtimes: Iterable[object] = ()
) -> object:
    class Declares:
        FHNBENCH_API = API_VERSION

        @staticmethod
        @hookimpl
        def fhnbench_solvers():
            return list(solvers)

        @staticmethod
        @hookimpl
        def fhnbench_surrogates():
            return list(surrogates)

        @staticmethod
        @hookimpl
        def fhnbench_runtimes():
            return list(runtimes)

    return Declares


def solver(name: str = "euler-cpu", target: str = "somewhere:Euler") -> SolverSpec:
    return SolverSpec(name, target, "a solver")


def registry_of(*plugins: object) -> Registry:
    """Return the registry of plugins that come from distributions ``one``, ``two``, and so on."""
    names = ("one", "two", "three")[: len(plugins)]
    return discover(
        FakeEntryPoint(name, plugin, FakeDistribution(name)) for name, plugin in zip(names, plugins, strict=True)
    )


FAMILY = SurrogateSpec("net", "somewhere:Net", "a family")
RUNTIME = RuntimeSpec("here", "somewhere:Here", "a runtime")
