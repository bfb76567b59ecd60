"""torchdiffeq: `odeint` on the whole ensemble as one state ``[2, N]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import torch
import torchdiffeq

from fhnbench import EULER, Tableau
from fhnbench_peers.steps import Adaptive, FixedStep
from fhnbench_peers.torch_arrays import torch_execution

if TYPE_CHECKING:
    from fhnbench import Execution, Workload


@final
@dataclass(frozen=True)
class Euler(FixedStep):
    """Euler's method of torchdiffeq.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1
    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        step = workload.save_interval / workload.substeps(self.dt)
        return _execution(workload, self.device, method="euler", options={"step_size": step})


@final
@dataclass(frozen=True)
class DormandPrince(Adaptive):
    """The Dormand-Prince method of fifth order of torchdiffeq; all samples share their steps.

    The tolerances hold for the root mean square over the ensemble, so single samples may err by more.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = 5
    stages: ClassVar[int] = 6

    rtol: float = 1e-3
    atol: float = 1e-6
    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Return an execution; refuses float16 and bfloat16."""
        return _execution(workload, self.device, method="dopri5", rtol=self.rtol, atol=self.atol)


def _execution(workload: Workload, device: str, **how: Any) -> Execution:
    workload.require_precision("float32", "float64")
    model, times = workload.model, torch.from_numpy(workload.times.astype(workload.dtype)).to(device)

    def compute(u0: Any, w0: Any, i_app: Any) -> Any:
        def derivative(_t: Any, state: Any) -> Any:
            return torch.stack(model.derivative(state[0], state[1], i_app))

        return torchdiffeq.odeint(derivative, torch.stack([u0, w0]), times, **how)

    return torch_execution(workload, device, compute)
