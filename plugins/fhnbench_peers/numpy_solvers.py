"""Whole-array steps in NumPy, a chunk of samples at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from fhnbench import EULER, HEUN, RK4, HostExecution, Refused, Tableau
from fhnbench_peers.steps import FixedStep, advance

if TYPE_CHECKING:
    from fhnbench import FitzHughNagumo, Workload


@dataclass(frozen=True)
class NumPySolver(FixedStep):
    """What the methods in NumPy have in common; it computes in one thread."""

    chunk: int = 8192

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk < 1:
            raise Refused(f"chunk={self.chunk}: at least one sample is computed at a time")

    def prepare(self, workload: Workload) -> HostExecution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps = workload.substeps(self.dt)
        kernel = _Kernel(self.tableau, workload.model, workload.save_interval / substeps, substeps, self.chunk)
        return HostExecution(workload, kernel)


@dataclass(frozen=True)
class _Kernel:
    tableau: Tableau
    model: FitzHughNagumo
    dt: float
    substeps: int
    chunk: int

    def __call__(self, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        for start in range(0, u0.size, self.chunk):
            part = slice(start, start + self.chunk)
            state = u0[part], w0[part]
            states[0, :, part] = state
            for point in range(1, len(states)):
                state = advance(self.tableau, self.model, state, i_app[part], self.dt, self.substeps)
                states[point, :, part] = state


@final
@dataclass(frozen=True)
class Euler(NumPySolver):
    """Euler's method on whole NumPy arrays.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    chunk
        Samples that are computed together; the temporary arrays of a chunk should fit into the cache.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Heun(NumPySolver):
    """Heun's method of second order on whole NumPy arrays.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    chunk
        Samples that are computed together; the temporary arrays of a chunk should fit into the cache.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN

    dt: float = 0.25


@final
@dataclass(frozen=True)
class RungeKutta4(NumPySolver):
    """The classical Runge-Kutta method on whole NumPy arrays.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    chunk
        Samples that are computed together; the temporary arrays of a chunk should fit into the cache.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4

    dt: float = 0.5
