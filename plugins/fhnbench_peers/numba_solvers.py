"""Numba as its documentation has it: a scalar loop over time inside a parallel loop over samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

import numba

from fhnbench import EULER, HostExecution, Tableau, use_threads
from fhnbench_peers.steps import FixedStep

if TYPE_CHECKING:
    from fhnbench import Workload


@final
@dataclass(frozen=True)
class Euler(FixedStep):
    """Euler's method in Numba, one sample at a time, samples in parallel.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1

    def prepare(self, workload: Workload) -> HostExecution:
        """Compile; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        use_threads(workload.threads)
        substeps = workload.substeps(self.dt)
        model, number = workload.model, workload.dtype.type
        parameters = tuple(number(value) for value in (model.a, model.b, model.c, model.tau))
        plan = *parameters, number(workload.save_interval / substeps), substeps
        kernel = partial(_call, threads=workload.threads, plan=plan)
        execution = HostExecution(workload, kernel)
        execution.run()
        return execution


def _call(u0: Any, w0: Any, i_app: Any, states: Any, threads: int, plan: Any) -> None:
    use_threads(threads)
    _integrate(u0, w0, i_app, states, plan)


@numba.njit(parallel=True, fastmath=True, cache=True)
def _integrate(u0: Any, w0: Any, i_app: Any, states: Any, plan: Any) -> None:
    a, b, c, tau, dt, substeps = plan
    third = u0.dtype.type(1 / 3)
    for sample in numba.prange(u0.size):
        u, w, current = u0[sample], w0[sample], i_app[sample]
        states[0, 0, sample], states[0, 1, sample] = u, w
        for point in range(1, states.shape[0]):
            for _ in range(substeps):
                du = c * (u - u * u * u * third - w) + current
                w += dt * ((u + a - b * w) / tau)
                u += dt * du
            states[point, 0, sample], states[point, 1, sample] = u, w
