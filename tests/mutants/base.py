"""The correct solver, and the execution around its own, that mutants derive from."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fhnbench import Cost, Ensemble, Execution, HostExecution, Refused, Solver, standard_problem
from fhnbench.reference import integrate

if TYPE_CHECKING:
    from fhnbench import Workload


@dataclass(frozen=True)
class Heun(Solver):
    """Heun's method in NumPy, correct.

    Parameters
    ----------
    dt
        Step in time units.
    """

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> Execution:
        workload.require_precision("float32", "float64")
        workload.substeps(self.dt)
        return HostExecution(workload, functools.partial(self.integrate, workload))

    def cost(self, workload: Workload) -> Cost:
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        values = np.prod(workload.shape) + 3 * workload.size
        return Cost(20.0 * steps * workload.size, float(values * workload.dtype.itemsize))

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        substeps = workload.substeps(self.dt)
        h = workload.save_interval / substeps
        states[0] = u0, w0
        u, w = u0.copy(), w0.copy()
        for point in range(1, workload.save_points):
            for _ in range(substeps):
                u, w = self.step(workload, u, w, i_app, h)
            states[point] = u, w

    def step(self, workload: Workload, u: Any, w: Any, i_app: Any, h: float) -> tuple[Any, Any]:
        du, dw = workload.model.derivative(u, w, i_app)
        du_end, dw_end = workload.model.derivative(u + h * du, w + h * dw, i_app)
        return u + h / 2 * (du + du_end), w + h / 2 * (dw + dw_end)


class Wrapping(Execution):
    """An execution around the correct one, for a mutant to override a method of."""

    def __init__(self, workload: Workload, inner: Execution) -> None:
        self.workload, self.inner, self.effective = workload, inner, inner.effective

    def upload(self, ensemble: Ensemble) -> None:
        self.inner.upload(ensemble)

    def run(self) -> None:
        self.inner.run()

    def synchronize(self) -> None:
        self.inner.synchronize()

    def output(self) -> Any:
        return self.inner.output()

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True)
class Wrapped(Heun):
    """A solver whose execution is a mutant's."""

    execution: ClassVar[type[Wrapping]] = Wrapping

    def prepare(self, workload: Workload) -> Execution:
        return self.execution(workload, super().prepare(workload))


@dataclass(frozen=True)
class NoStep(Solver):
    """A correct solver whose step cannot be chosen."""

    order: ClassVar[int] = 2

    def prepare(self, workload: Workload) -> Execution:
        return Heun().prepare(workload)

    def cost(self, workload: Workload) -> Cost:
        return Heun().cost(workload)


@dataclass(frozen=True)
class SingleOnly(Heun):
    """A correct solver that knows no float64."""

    def prepare(self, workload: Workload) -> Execution:
        workload.require_precision("float32")
        return super().prepare(workload)


@dataclass(frozen=True)
class FewOnly(Heun):
    """A correct solver that takes on few samples."""

    def prepare(self, workload: Workload) -> Execution:
        if workload.size > 5_000:
            raise Refused("takes 5000 at most")
        return super().prepare(workload)


@dataclass(frozen=True)
class Exact(Heun):
    """A solver that is as close as the reference, whatever the step."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        problem = dataclasses.replace(standard_problem("C"), model=workload.model)
        states[:] = integrate(problem, Ensemble(u0, w0, i_app, workload.model), 0.005)
