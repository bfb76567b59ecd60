"""The solver ``ab2-example``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

from fhnbench import Cost, HostExecution, Solver

if TYPE_CHECKING:
    from fhnbench import FitzHughNagumo, Workload


@final
@dataclass(frozen=True)
class AdamsBashforth2(Solver):
    """The two-step Adams-Bashforth method in NumPy.

    ``y(t + dt) = y(t) + dt (3/2 f(t) - 1/2 f(t - dt))``: one evaluation of the derivative a step, order 2. The first
    step is Euler's, whose error is of the same order because it is made once.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> HostExecution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps = workload.substeps(self.dt)
        kernel = partial(_integrate, model=workload.model, dt=workload.save_interval / substeps, substeps=substeps)
        return HostExecution(workload, kernel)

    def cost(self, workload: Workload) -> Cost:
        """Return 11 operations a step: 7 for the derivative, 4 for the step, multiply-adds fused."""
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        states = workload.save_points * 2 * workload.size
        inputs = 3 * workload.size
        return Cost(operations=11.0 * steps * workload.size, bytes=(inputs + states) * workload.dtype.itemsize)


def _integrate(u0: Any, w0: Any, i_app: Any, states: Any, model: FitzHughNagumo, dt: float, substeps: int) -> None:
    states[0] = u0, w0
    u, w = u0.copy(), w0.copy()
    before_u, before_w = model.derivative(u, w, i_app)
    for point in range(1, len(states)):
        for _ in range(substeps):
            du, dw = model.derivative(u, w, i_app)
            u += dt * (1.5 * du - 0.5 * before_u)
            w += dt * (1.5 * dw - 0.5 * before_w)
            before_u, before_w = du, dw
        states[point] = u, w
