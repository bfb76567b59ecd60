"""The solvers of NVIDIA GPUs: explicit Runge-Kutta methods with a fixed step, as `fhnbench.fold` folds them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

import numpy as np

from fhnbench import (
    EULER,
    HEUN,
    HEUN3,
    MIDPOINT,
    RK4,
    Cost,
    FhnbenchError,
    Refused,
    Solver,
    Tableau,
    fold,
    folded_cost,
)

if TYPE_CHECKING:
    from fhnbench import Execution, Workload
    from fhnbench_cuda.stepping import Folded, Naive


@dataclass(frozen=True)
class RungeKutta(Solver):
    """What the solvers have in common; a method is its tableau and the step that it has by default."""

    tableau: ClassVar[Tableau]

    dt: float
    variant: Literal["folded", "naive"] = "folded"
    storage: Literal["same", "float16"] = "same"
    per_thread: int = 1
    graph: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise FhnbenchError(f"dt={self.dt} must be a positive number of time units")
        if self.per_thread not in {1, 2}:
            raise FhnbenchError(f"per_thread={self.per_thread}: a thread solves 1 or 2 samples")
        if self.variant == "naive" and (self.per_thread, self.storage) != (1, "same"):
            raise FhnbenchError("variant=naive takes neither per_thread nor storage")

    def prepare(self, workload: Workload) -> Execution:
        """Fold the step, compile the kernel or find it in the cache, and allocate on the device.

        Raises
        ------
        Refused
            If `dt` does not divide the save interval, the precision is neither float32 nor float64, trajectories are to
            be stored in float16 but computed in float64, or the device's memory does not suffice.
        Unavailable
            If there is no GPU that can be used.
        """
        steps = self.steps(workload)
        from fhnbench_cuda.execution import CudaExecution

        stored = np.float16 if self.storage == "float16" else None
        return CudaExecution(workload, steps.program, steps.launches, stored=stored, graph=self.graph)

    def steps(self, workload: Workload) -> Folded | Naive:
        """Return the kernels and launches; raises `Refused` as `prepare` does."""
        workload.require_precision("float32", "float64")
        half = self.storage == "float16"
        if half and workload.precision != "float32":
            raise Refused("storage=float16 goes with precision float32")
        substeps = workload.substeps(self.dt)
        from fhnbench_cuda.stepping import Folded, Naive

        if self.variant == "naive":
            return Naive(self.tableau, workload.model, substeps, workload)
        step = fold(self.tableau, workload.model, workload.save_interval / substeps)
        return Folded(step, substeps, workload, stages=self.tableau.stages, per_thread=self.per_thread, half=half)

    def cost(self, workload: Workload) -> Cost:
        """Return the least operations and bytes: of folded steps, whatever the variant, and of what is stored."""
        cost = folded_cost(self.tableau, workload, workload.substeps(self.dt))
        if self.storage == "same":
            return cost
        saved = workload.size * workload.save_points * 2 * (workload.dtype.itemsize - 2)
        return Cost(cost.operations, cost.bytes - saved)


@final
@dataclass(frozen=True)
class Euler(RungeKutta):
    """The forward Euler method, of first order, on a GPU.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval. 0.1 is the one of Werneck et al., the largest that keeps the
        mean absolute error below 1e-2.
    variant
        ``folded``: four multiply-adds a step, all steps in one kernel. ``naive``: textbook formulas with divisions, a
        launch for each step and the state in memory between them, as weak baselines are.
    storage
        ``same``: trajectories are stored in the precision of the computation. ``float16``: in half of the memory, with
        three decimal digits.
    per_thread
        Samples that a thread solves side by side, 1 or 2.
    graph
        Whether launches are replayed as a CUDA graph.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Midpoint(RungeKutta):
    """The explicit midpoint method, of second order, on a GPU.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval. With 0.5 the error is that of Euler's method with 0.1.
    variant, storage, per_thread, graph
        As for ``euler-cuda``.
    """

    order: ClassVar[int] = MIDPOINT.order
    tableau: ClassVar[Tableau] = MIDPOINT

    dt: float = 0.5


@final
@dataclass(frozen=True)
class Heun(RungeKutta):
    """Heun's method of second order, the explicit trapezoidal rule, on a GPU.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    variant, storage, per_thread, graph
        As for ``euler-cuda``.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN

    dt: float = 0.25


@final
@dataclass(frozen=True)
class Heun3(RungeKutta):
    """Heun's method of third order, in three stages, on a GPU.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    variant, storage, per_thread, graph
        As for ``euler-cuda``.
    """

    order: ClassVar[int] = HEUN3.order
    tableau: ClassVar[Tableau] = HEUN3

    dt: float = 0.5


@final
@dataclass(frozen=True)
class RungeKutta4(RungeKutta):
    """The classical Runge-Kutta method, of fourth order, on a GPU.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    variant, storage, per_thread, graph
        As for ``euler-cuda``.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4

    dt: float = 0.5
