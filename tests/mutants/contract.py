"""Solvers that are not what the interface describes, or declare themselves wrongly."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fhnbench import Cost, Effective, Execution, Solver
from mutants.base import Heun, Wrapped, Wrapping

if TYPE_CHECKING:
    from fhnbench import Workload


@dataclass(frozen=True)
class NoSolver:
    """A class that derives from nothing."""

    dt: float = 0.1


@dataclass
class Mutable(Solver):
    """A solver that can be changed after its options were validated."""

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> Execution:
        return Heun(self.dt).prepare(workload)

    def cost(self, workload: Workload) -> Cost:
        return Heun(self.dt).cost(workload)


@dataclass(frozen=True)
class Undocumented(Heun): ...


Undocumented.__doc__ = None


@dataclass(frozen=True)
class SecretOption(Heun):
    """A solver with an option of which nobody is told.

    Parameters
    ----------
    dt
        Step in time units.
    """

    relaxation: float = 1.0


@dataclass(frozen=True)
class NoOrder(Heun):
    """A solver that does not declare its order."""

    order: ClassVar[Any] = "second"


@dataclass(frozen=True)
class NoExecution(Heun):
    """A solver that prepares something else than an execution."""

    def prepare(self, workload: Workload) -> Any:
        inner = super().prepare(workload)
        methods = ("upload", "run", "synchronize", "output", "close", "effective")
        return type("Duck", (), {name: staticmethod(getattr(inner, name)) for name in methods})


@dataclass(frozen=True)
class WrongFirstPoint(Heun):
    """A solver that saves the state after the first interval as the first."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[0] = states[1]


@dataclass(frozen=True)
class OffByOne(Heun):
    """A solver whose save points lag behind by one interval, the first repeated."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[1:] = states[:-1].copy()


class _NonContiguous(Wrapping):
    def output(self) -> Any:
        return np.asfortranarray(self.inner.output())


@dataclass(frozen=True)
class NonContiguous(Wrapped):
    """A solver whose samples are not adjacent in memory."""

    execution = _NonContiguous


class _Transposed(Wrapping):
    def output(self) -> Any:
        return np.ascontiguousarray(self.inner.output().transpose(2, 0, 1))


@dataclass(frozen=True)
class Transposed(Wrapped):
    """A solver that returns ``[N, T, 2]``."""

    execution = _Transposed


class _Double(Wrapping):
    def output(self) -> Any:
        return self.inner.output().astype(np.float64)


@dataclass(frozen=True)
class AlwaysDouble(Wrapped):
    """A solver that returns float64 whatever was asked for."""

    execution = _Double


@dataclass(frozen=True)
class NotFinite(Heun):
    """A solver that loses a sample."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[-1, 1, -1] = np.inf


@dataclass(frozen=True)
class SinglePrecision(Heun):
    """A solver that computes in float32 and calls it float64."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        single = np.empty(states.shape, np.float32)
        super().integrate(workload, *(array.astype(np.float32) for array in (u0, w0, i_app)), single)
        states[:] = single
        states[0] = u0, w0


@dataclass(frozen=True)
class HalfInputs(Heun):
    """A solver whose arithmetic rounds its inputs as TF32 does, and calls it float32."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        rounded = (array.astype(np.float16).astype(array.dtype) for array in (u0, w0, i_app))
        super().integrate(workload, *rounded, states)
        states[0] = u0, w0


@dataclass(frozen=True)
class FallsBack(Heun):
    """A solver that runs in float32 where it was asked for a precision that it lacks, and says so."""

    def prepare(self, workload: Workload) -> Execution:
        if workload.precision in {"float16", "bfloat16"}:
            return super().prepare(dataclasses.replace(workload, precision="float32"))
        return super().prepare(workload)


class _Nameless(Wrapping):
    def __init__(self, workload: Workload, inner: Execution) -> None:
        super().__init__(workload, inner)
        self.effective = Effective("", workload.precision)


@dataclass(frozen=True)
class NoDevice(Wrapped):
    """A solver that does not say where it runs."""

    execution = _Nameless


class _Moves(Wrapping):
    def run(self) -> None:
        super().run()
        self.effective = Effective("elsewhere", self.workload.precision)


@dataclass(frozen=True)
class ChangesDevice(Wrapped):
    """A solver that declares one device before the run and another after it."""

    execution = _Moves
