"""The solvers of NVIDIA GPUs: explicit Runge-Kutta methods with a fixed step, as `fhnbench.fold` folds them.

A thread takes a sample from the initial state to the horizon with its state in registers: 4, 9, 15 or 22 multiply-adds
a step for one to four stages and no other arithmetic, as the disassembly has it, 4 operations more at each save point
and 6 to 9 at the beginning. Up to 128 operations follow one another between two branches. A save point takes about ten
further instructions (stores, addresses, the loop), which is felt where steps are few. Bytes are 3 numbers read and
``2 T`` written for each sample, neighbours by neighbouring threads.

What that must take on some GPUs, in microseconds for 100,000 samples and 51 save points, computed from data sheets and
not measured: the larger of arithmetic (a) and stores (s), in float32 and in float64.

============  ============  ============  ============  ============  =============
solver, dt            H200          A100      RTX 4090      RTX 4070             T4
============  ============  ============  ============  ============  =============
euler 0.1       9 s   18 s   23 a   45 a   42 s  342 a   83 s  968 a  131 s  1737 a
euler 0.01     60 a  121 a  207 a  415 a   49 a   3 ms  138 a   9 ms  497 a   16 ms
midpoint 0.5    9 s   18 s   21 s   41 s   42 s  172 a   83 s  486 a  131 s   872 a
heun 0.25       9 s   18 s   21 s   41 a   42 s  311 a   83 s  880 a  131 s  1580 a
rk3 0.5         9 s   18 s   21 s   41 s   42 s  265 a   83 s  749 a  131 s  1345 a
rk4 0.5         9 s   18 s   25 a   50 a   42 s  374 a   83 s   1 ms  131 s  1897 a
rk4 0.1        34 a   67 a  115 a  230 a   42 s   2 ms   83 s   5 ms  275 a    9 ms
============  ============  ============  ============  ============  =============

So at their default steps all methods are bound by stores in float32, and cost the same: the more accurate is the
better one. ``storage=float16`` halves that floor. GPUs for games and graphics do a 64th (a T4 a 32nd) of the float32
operations in float64. 100,000 samples are 782 blocks, six for each multiprocessor of an H200: 24 warps, of which each
scheduler has six to hide the latency of two dependent multiply-adds a step, so one sample a thread suffices there;
``per_thread=2`` is for GPUs with few multiprocessors and for ensembles that fill all of them.

With ``output=features`` nothing is stored until the end, 10 numbers for each sample, so that arithmetic alone bounds
it; a save point takes 7 operations and two comparisons in place of 4 and two stores, and more where there is a spike.

The naive variant has divisions, which are some ten instructions each, reads and writes 20 bytes a sample at each step,
and has to be launched 500 times.
"""

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
    Output,
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
    outputs: ClassVar[tuple[Output, ...]] = ("trajectories", "features")

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
            be stored in float16 but computed in float64, features are asked of the naive variant or in float16, or the
            device's memory does not suffice.
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
        if workload.output == "features" and (half or self.variant == "naive"):
            raise Refused("output=features goes with variant=folded and storage=same")
        substeps = workload.substeps(self.dt)
        from fhnbench_cuda.stepping import Folded, Naive

        if self.variant == "naive":
            return Naive(self.tableau, workload.model, substeps, workload)
        step = fold(self.tableau, workload.model, workload.save_interval / substeps)
        return Folded(step, substeps, workload, stages=self.tableau.stages, per_thread=self.per_thread, half=half)

    def cost(self, workload: Workload) -> Cost:
        """Return the least operations and bytes: of folded steps, whatever the variant, and of what is stored."""
        cost = folded_cost(self.tableau, workload, workload.substeps(self.dt))
        if self.storage == "same" or workload.output == "features":
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
