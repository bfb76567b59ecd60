"""The solvers of the CPU: explicit Runge-Kutta methods with a fixed step, as `fhnbench.fold` folds them.

A step of one to four stages is 4, 9, 15 or 22 vector instructions for each sample (fused multiply-adds, but for a few
multiplications), a save point 4 more, and a sample 6 to 9 at its beginning; the disassembly has exactly these. What is
stored is ``2 T`` numbers for each sample. The floor is the longer of the two, each at the peak that
`fhnbench.measure.probes` finds in the same run. Problem C, 100,000 samples, two cores with AVX-512 (173 billion
instructions in float32 and 45 GB a second), medians in milliseconds:

============  ==========  ======  ========  ===============  =======  ===============
solver, dt    arithmetic  stores  measured  times the floor  float64  times the floor
============  ==========  ======  ========  ===============  =======  ===============
euler 0.1           1.28    0.91      1.45             1.14     2.79             1.09
euler 0.01         11.61    0.90     11.82             1.02    23.54             1.02
midpoint 0.5        0.64    0.90      1.05             1.17     1.98             1.10
heun 0.25           1.15    0.90      1.38             1.20     2.64             1.14
rk3 0.5             0.99    0.92      1.29             1.31     2.46             1.26
rk4 0.5             1.38    0.93      1.85             1.34     3.49             1.27
rk4 0.1             6.47    0.88      7.76             1.20    15.36             1.20
============  ==========  ======  ========  ===============  =======  ===============

Whole-array steps in NumPy take 142 ms for Euler's method with 0.1. The start of a parallel loop is 0.05 ms of each
measured time. Where neither arithmetic nor stores dominate they do not overlap completely; four stages leave
registers for three vectors only, too few to hide all latency. ``tests/benchmarks/test_solvers.py`` measures the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from fhnbench import (
    ALIGNMENT,
    EULER,
    HEUN,
    HEUN3,
    MIDPOINT,
    RK4,
    SPIKE_THRESHOLD,
    Cost,
    FhnbenchError,
    FoldedStep,
    HostExecution,
    Output,
    Solver,
    Tableau,
    fold,
    folded_cost,
    lanes,
    use_threads,
)
from fhnbench_cpu.stepping import registers_of, solve, solve_parallel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Execution, Workload

_WORTH_THREADS = 1e7
"""Operations below which a single thread is done before a parallel loop has begun (some 50 microseconds)."""


@dataclass(frozen=True)
class RungeKutta(Solver):
    """What the solvers have in common; a method is its tableau and the step that it has by default."""

    tableau: ClassVar[Tableau]
    outputs: ClassVar[tuple[Output, ...]] = ("trajectories", "features")

    dt: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise FhnbenchError(f"dt={self.dt} must be a positive number of time units")

    def prepare(self, workload: Workload) -> Execution:
        """Fold the step, compile the kernel or find it on disk, and allocate.

        Raises
        ------
        Refused
            If `dt` does not divide the save interval, the precision is neither float32 nor float64, or the process may
            not use as many threads.
        """
        workload.require_precision("float32", "float64")
        use_threads(workload.threads)
        parallel = workload.threads > 1 and self.cost(workload).operations > _WORTH_THREADS
        step = fold(self.tableau, workload.model, workload.save_interval / workload.substeps(self.dt))
        kernel = _Kernel(self.tableau, step, workload, workload.substeps(self.dt), parallel=parallel)
        execution = HostExecution(workload, kernel)
        execution.run()
        return execution

    def cost(self, workload: Workload) -> Cost:
        """Return the operations that are executed, and the bytes of inputs and of the output."""
        return folded_cost(self.tableau, workload, workload.substeps(self.dt))


@final
@dataclass(frozen=True)
class Euler(RungeKutta):
    """The forward Euler method, of first order.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval. 0.1 is the one of Werneck et al., the largest that keeps the
        mean absolute error below 1e-2.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Midpoint(RungeKutta):
    """The explicit midpoint method, of second order.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval. With 0.5 the error is that of Euler's method with 0.1.
    """

    order: ClassVar[int] = MIDPOINT.order
    tableau: ClassVar[Tableau] = MIDPOINT

    dt: float = 0.5


@final
@dataclass(frozen=True)
class Heun(RungeKutta):
    """Heun's method of second order, the explicit trapezoidal rule.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval. With 0.25 it costs as much as Euler's method with 0.1, at a
        quarter of the error.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN

    dt: float = 0.25


@final
@dataclass(frozen=True)
class Heun3(RungeKutta):
    """Heun's method of third order, in three stages.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = HEUN3.order
    tableau: ClassVar[Tableau] = HEUN3

    dt: float = 0.5


@final
@dataclass(frozen=True)
class RungeKutta4(RungeKutta):
    """The classical Runge-Kutta method, of fourth order.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4

    dt: float = 0.5


class _Kernel:
    """A folded method, ready for host arrays; see `HostExecution`."""

    def __init__(
        self, tableau: Tableau, step: FoldedStep, workload: Workload, substeps: int, *, parallel: bool
    ) -> None:
        numbers = step.numbers(workload.dtype, substeps)
        self._numbers = tuple(workload.dtype.type(number) for number in numbers)
        features = workload.output == "features"
        self._group = lanes.count(workload.dtype, registers_of(tableau.stages, features=features))
        self._substeps = substeps
        interval, threshold = map(workload.dtype.type, (workload.save_interval, SPIKE_THRESHOLD))
        self._features = (workload.save_points, interval, threshold) if features else ()
        self._threads = workload.threads if parallel else 1

    def __call__(self, u0: NDArray[Any], w0: NDArray[Any], i_app: NDArray[Any], states: NDArray[Any]) -> None:
        """Fill ``states[T, 2, N]``, or ``features[F, N]``."""
        aligned = states.ctypes.data % ALIGNMENT == 0 and states.strides[-2] % ALIGNMENT == 0
        plan = self._group, self._substeps, int(aligned), *self._features
        if self._threads == 1:
            groups = 0, -(-u0.size // self._group)
            solve((u0, w0, i_app), groups, states.reshape(-1), plan, self._numbers)
        else:
            use_threads(self._threads)
            solve_parallel((u0, w0, i_app), self._threads, states.reshape(-1), plan, self._numbers)
