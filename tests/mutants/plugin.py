"""The mutants as a plugin, for whole runs: ``heun-base``, ``wrong_order-method`` and so on."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from fhnbench import Solver, SolverSpec, hookimpl
from mutants import base, contract, method, state, timing

if TYPE_CHECKING:
    from types import ModuleType


FHNBENCH_API = 1


def contender(solver: type) -> str:
    """Return the name of a mutant as a contender."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", solver.__name__).lower()
    return f"{name}-{solver.__module__.rpartition('.')[2]}"


def _solvers(module: ModuleType) -> list[type]:
    return [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, Solver) and item.__module__ == module.__name__
    ]


@hookimpl
def fhnbench_solvers() -> list[SolverSpec]:
    return [
        SolverSpec(contender(solver), f"{module.__name__}:{solver.__name__}", "a mutant")
        for module in (base, contract, method, state, timing)
        for solver in _solvers(module)
    ]
