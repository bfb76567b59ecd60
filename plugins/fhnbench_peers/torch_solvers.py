"""Plain torch: eager, or each save interval compiled by `torch.compile`, which fuses its steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import torch

from fhnbench import EULER, HEUN, RK4, Tableau
from fhnbench_peers.steps import FixedStep, advance
from fhnbench_peers.torch_arrays import torch_execution

if TYPE_CHECKING:
    from fhnbench import Execution, Workload


@dataclass(frozen=True)
class TorchSolver(FixedStep):
    """What the methods in torch have in common."""

    compile: bool = False
    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps = workload.substeps(self.dt)
        interval: Any = partial(
            advance, self.tableau, workload.model, dt=workload.save_interval / substeps, steps=substeps
        )
        if self.compile:
            interval = torch.compile(interval, dynamic=False)

        def compute(u0: Any, w0: Any, i_app: Any) -> Any:
            states = u0.new_empty(workload.shape)
            states[0, 0], states[0, 1] = u0, w0
            state = u0, w0
            for point in range(1, workload.save_points):
                state = interval(state=state, i_app=i_app)
                states[point, 0], states[point, 1] = state
            return states

        return torch_execution(workload, self.device, compute)


@final
@dataclass(frozen=True)
class Euler(TorchSolver):
    """Euler's method on torch tensors.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    compile
        Whether the steps of a save interval are compiled together.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Heun(TorchSolver):
    """Heun's method of second order on torch tensors.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    compile
        Whether the steps of a save interval are compiled together.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN

    dt: float = 0.25


@final
@dataclass(frozen=True)
class RungeKutta4(TorchSolver):
    """The classical Runge-Kutta method on torch tensors.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    compile
        Whether the steps of a save interval are compiled together.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4

    dt: float = 0.5
