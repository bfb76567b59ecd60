"""Textbook Runge-Kutta steps on arrays of any library, and what the solvers with a fixed step have in common.

Nothing is folded or blocked here: these are the steps that a careful user of an array library writes.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fhnbench import Cost, FhnbenchError, HostExecution, Refused, Solver, Sweep, Tableau

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import FitzHughNagumo, Workload

_DERIVATIVE = 7
"""Operations of one evaluation of the derivative, multiply-adds fused."""

MOST_STEPS = 4096
"""Steps after which an adaptive method gives up, diffrax's own default: in float32 not every tolerance can be met."""


def advance(
    tableau: Tableau, model: FitzHughNagumo, state: tuple[Any, Any], i_app: Any, dt: float, steps: int
) -> tuple[Any, Any]:
    """Return ``(u, w)`` after `steps` steps of `dt`, for arrays of any library that broadcasts Python numbers."""
    u, w = state
    for _ in range(steps):
        slope = model.derivative(u, w, i_app)
        slopes = [slope]
        for node in tableau.nodes:
            slope = model.derivative(u + (node * dt) * slope[0], w + (node * dt) * slope[1], i_app)
            slopes.append(slope)
        for weight, (du, dw) in zip(tableau.weights, slopes, strict=True):
            if weight:
                u, w = u + (weight * dt) * du, w + (weight * dt) * dw
    return u, w


@dataclass(frozen=True)
class FixedStep(Solver):
    """A Runge-Kutta method with a fixed step; a method is its tableau and the step that it has by default."""

    tableau: ClassVar[Tableau]

    dt: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise FhnbenchError(f"dt={self.dt} must be a positive number of time units")

    def cost(self, workload: Workload) -> Cost:
        """Return the operations of textbook steps, and the bytes of inputs and trajectories."""
        tableau = self.tableau
        step = tableau.stages * _DERIVATIVE + 2 * len(tableau.nodes) + 2 * sum(map(bool, tableau.weights))
        return operations_of(workload, step * workload.substeps(self.dt))


def operations_of(workload: Workload, interval: float) -> Cost:
    """Return the cost of so many operations a sample and save interval, with inputs read and trajectories written."""
    values = 3 + 2 * workload.save_points
    return Cost(
        operations=float(workload.size * (workload.save_points - 1) * interval),
        bytes=float(workload.size * values * workload.dtype.itemsize),
    )


@dataclass(frozen=True)
class Adaptive(Solver):
    """A method that chooses its steps by a tolerance.

    Its declared operations are those of one step a save interval, the fewest that it can take: how many it takes is
    known only when it has run.
    """

    stages: ClassVar[int]
    sweep: ClassVar[Sweep] = Sweep("rtol", (1e-2, 1e-3, 1e-4, 1e-5, 1e-6))

    rtol: float
    atol: float

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise FhnbenchError(f"{name}={getattr(self, name)} must be a positive number")

    def gave_up(self, samples: int, workload: Workload) -> Refused:
        """Return the error to raise if so many samples did not reach the end of the horizon."""
        finer = "" if workload.precision == "float64" else ", or precision=float64"
        return Refused(
            f"gave up on {samples} of {workload.size} samples with rtol={self.rtol:g} and atol={self.atol:g}; "
            f"set larger ones{finer}"
        )

    def cost(self, workload: Workload) -> Cost:
        """Return the operations of one step a save interval, and the bytes of inputs and trajectories."""
        return operations_of(workload, self.stages * (_DERIVATIVE + 2 * self.stages))


@dataclass(frozen=True)
class OneByOne(Adaptive):
    """A method of a library that integrates one sample after the other, in float64; it refuses large ensembles."""

    order: ClassVar[int] = 5
    stages: ClassVar[int] = 1

    largest: int = 2000

    @abstractmethod
    def integrator(self, workload: Workload) -> Callable[[Any, Any], Any]:
        """Return what takes an initial state ``[2]`` and a current, and gives the trajectory ``[T, 2]``."""

    def prepare(self, workload: Workload) -> HostExecution:
        """Return an execution; refuses every precision but float64, and large ensembles."""
        workload.require_precision("float64")
        if workload.size > self.largest:
            raise Refused(
                f"integrates one sample after the other, some milliseconds each; it takes {self.largest} at most, not "
                f"{workload.size}: measure fewer with -n, or set largest"
            )
        trajectory = self.integrator(workload)

        def integrate(u0: Any, w0: Any, i_app: Any, states: Any) -> None:
            for sample in range(u0.size):
                start = u0[sample], w0[sample]
                states[:, :, sample] = trajectory(start, i_app[sample])
                states[0, :, sample] = start

        return HostExecution(workload, integrate)
