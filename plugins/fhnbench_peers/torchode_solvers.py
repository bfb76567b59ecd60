"""torchode: every sample of the batch with steps of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import torch
import torchode
from torchode.status_codes import SUCCESS
from torchode.step_size_controllers import rms_norm

from fhnbench import EULER, Tableau
from fhnbench_peers.steps import MOST_STEPS, Adaptive, FixedStep
from fhnbench_peers.torch_arrays import torch_execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Execution, Workload

_HUGE = 1e30
"""An error that has a step rejected and shortened as much as may be."""


@final
@dataclass(frozen=True)
class Euler(FixedStep):
    """Euler's method of torchode.

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
        return _execution(workload, self.device, torchode.Euler, lambda _term: torchode.FixedStepController(), step)


@final
@dataclass(frozen=True)
class Tsit5(Adaptive):
    """Tsitouras' method of fifth order of torchode.

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
        """Return an execution; refuses float16 and bfloat16, and at last tolerances that cannot be met."""

        def controller(term: Any) -> Any:
            return torchode.IntegralController(atol=self.atol, rtol=self.rtol, term=term, norm=_norm)

        return _execution(workload, self.device, torchode.Tsit5, controller, adaptive=self)


def _norm(error: Any) -> Any:
    """Return torchode's own norm, finite: in float32 the stages of a long trial step overflow.

    torchode rejects no step with an infinite error, it ends the integration of all samples.
    """
    return torch.nan_to_num(rms_norm(error), nan=_HUGE, posinf=_HUGE)


def _execution(
    workload: Workload,
    device: str,
    method: Any,
    controller: Callable[[Any], Any],
    step: float | None = None,
    adaptive: Tsit5 | None = None,
) -> Execution:
    workload.require_precision("float32", "float64")
    model = workload.model
    times = torch.from_numpy(workload.times.astype(workload.dtype)).to(device)

    def derivative(_t: Any, state: Any, i_app: Any) -> Any:
        return torch.stack(model.derivative(state[:, 0], state[:, 1], i_app), dim=1)

    term = torchode.ODETerm(derivative, with_args=True)
    max_steps = MOST_STEPS if adaptive else None
    solver = torchode.AutoDiffAdjoint(method(term=term), controller(term), max_steps=max_steps)

    def compute(u0: Any, w0: Any, i_app: Any) -> Any:
        problem = torchode.InitialValueProblem(
            y0=torch.stack([u0, w0], dim=1), t_eval=times.expand(len(u0), len(times))
        )
        steps = None if step is None else u0.new_full((len(u0),), step)
        solution = solver.solve(problem, dt0=steps, args=i_app)
        if adaptive and (failed := int((solution.status != SUCCESS).sum())):
            raise adaptive.gave_up(failed, workload)  # and left memory uninitialised
        states = solution.ys.permute(1, 2, 0).contiguous()
        states[0, 0], states[0, 1] = u0, w0  # interpolated, it is not the initial state to the last bit
        return states

    return torch_execution(workload, device, compute)
