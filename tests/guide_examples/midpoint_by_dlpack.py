"""The solver ``midpoint-dlpack``: on another array library, here PyTorch; memory is handed over, not copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import torch

from fhnbench import Cost, Effective, Execution, Solver

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Workload


@final
@dataclass(frozen=True)
class Midpoint(Solver):
    """The midpoint method in whole-array steps.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> Execution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        torch.set_num_threads(workload.threads)
        return _Execution(workload, workload.substeps(self.dt))

    def cost(self, workload: Workload) -> Cost:
        """Return 18 operations a step: two derivatives of 7 and two updates, multiply-adds fused."""
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        values = (2 * workload.save_points + 3) * workload.size
        return Cost(operations=18.0 * steps * workload.size, bytes=float(values * workload.dtype.itemsize))


class _Execution(Execution):
    def __init__(self, workload: Workload, substeps: int) -> None:
        self.effective = Effective("cpu", workload.precision)
        self._model = workload.model
        self._substeps, self._dt = substeps, workload.save_interval / substeps
        self._states = torch.empty(workload.shape, dtype=getattr(torch, workload.dtype.name))
        self._inputs: list[Any] = []

    def upload(self, ensemble: Ensemble) -> None:
        # One copy, NumPy's: inputs are read-only, which DLPack cannot say, and a contender must not keep them.
        self._inputs = [torch.from_dlpack(given.copy()) for given in (ensemble.u0, ensemble.w0, ensemble.i_app)]

    def run(self) -> None:
        u, w, i_app = self._inputs
        half, derivative = self._dt / 2, self._model.derivative
        self._states[0, 0], self._states[0, 1] = u, w
        for point in range(1, len(self._states)):
            for _ in range(self._substeps):
                du, dw = derivative(u, w, i_app)
                du, dw = derivative(u + half * du, w + half * dw, i_app)
                u, w = u + self._dt * du, w + self._dt * dw
            self._states[point, 0], self._states[point, 1] = u, w

    def synchronize(self) -> None:
        """Do nothing: on a CPU the library has computed when `run` returns; on a device, wait for it here."""

    def output(self) -> NDArray[Any]:
        return np.from_dlpack(self._states)  # the library's memory; from a device, copy to the host first

    def close(self) -> None:
        """Do nothing: the memory is freed with the last array that shows it."""
