"""Solvers of the wrong equation or order, with wrong options or costs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fhnbench import Cost, Execution, FhnbenchError, Output, Refused, features_of
from mutants.base import Heun

if TYPE_CHECKING:
    from fhnbench import Workload


@dataclass(frozen=True)
class LateSpikes(Heun):
    """A solver whose features have spikes at the save points after them."""

    outputs: ClassVar[tuple[Output, ...]] = ("trajectories", "features")

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        if workload.output == "trajectories":
            super().integrate(workload, u0, w0, i_app, states)
            return
        trajectories = np.empty((workload.save_points, 2, workload.size), workload.dtype)
        super().integrate(workload, u0, w0, i_app, trajectories)
        states[:] = features_of(trajectories, workload.times)
        states[1:3] = np.ceil(states[1:3])


@dataclass(frozen=True)
class WrongOrder(Heun):
    """Heun's method with one weight wrong, which makes it of order 1."""

    def step(self, workload: Workload, u: Any, w: Any, i_app: Any, h: float) -> tuple[Any, Any]:
        du, dw = workload.model.derivative(u, w, i_app)
        du_end, dw_end = workload.model.derivative(u + h * du, w + h * dw, i_app)
        return u + h * (0.4 * du + 0.6 * du_end), w + h * (0.4 * dw + 0.6 * dw_end)


@dataclass(frozen=True)
class ModestOrder(Heun):
    """Heun's method, declared as of order 1."""

    order: ClassVar[int] = 1


@dataclass(frozen=True)
class IgnoresStep(Heun):
    """A solver that takes steps of 0.1 whatever was asked for."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        Heun(0.1).integrate(workload, u0, w0, i_app, states)


@dataclass(frozen=True)
class WrongEquation(Heun):
    """A solver with a parameter of the model written down wrongly."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        wrong = dataclasses.replace(workload, model=dataclasses.replace(workload.model, b=0.85))
        super().integrate(wrong, u0, w0, i_app, states)


@dataclass(frozen=True)
class RoundsStep(Heun):
    """A solver that takes the nearest step that is possible without a word."""

    def prepare(self, workload: Workload) -> Execution:
        nearest = round(workload.save_interval / abs(self.dt)) if self.dt else 1
        return Heun(workload.save_interval / max(1, nearest)).prepare(workload)


@dataclass(frozen=True)
class RefusesWithoutRemedy(Heun):
    """A solver that refuses a step and does not say which are possible."""

    def prepare(self, workload: Workload) -> Execution:
        try:
            workload.substeps(self.dt)
        except Refused:
            raise Refused("no") from None
        return super().prepare(workload)


@dataclass(frozen=True)
class RaisesValueError(Heun):
    """A solver that refuses by an exception that is a bug's."""

    def prepare(self, workload: Workload) -> Execution:
        try:
            workload.substeps(self.dt)
        except FhnbenchError as error:
            raise ValueError(str(error)) from None
        return super().prepare(workload)


@dataclass(frozen=True)
class AcceptsNan(Heun):
    """A solver with an option that takes nan."""

    damping: float = 0.0


@dataclass(frozen=True)
class Untyped(Heun):
    """A solver that takes anything for an option that is a number."""

    iterations: Any = 3


@dataclass(frozen=True)
class NoOperations(Heun):
    """A solver that declares no work."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(0.0, super().cost(workload).bytes)


@dataclass(frozen=True)
class FewBytes(Heun):
    """A solver that forgets to count what it writes."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(super().cost(workload).operations, 12.0 * workload.size)


@dataclass(frozen=True)
class ConstantCost(Heun):
    """A solver whose declared work does not grow with the samples."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(1e9, super().cost(workload).bytes)


@dataclass(frozen=True)
class StepFreeCost(Heun):
    """A solver whose declared work does not grow with the steps."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(2e3 * workload.size, super().cost(workload).bytes)
