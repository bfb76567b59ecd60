"""The family ``fitted``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from fhnbench import SurrogateFamily

if TYPE_CHECKING:
    from fhnbench import Artifact, TrainingTask
    from fhnbench_fitted.module import IntegratorModule


@final
@dataclass(frozen=True)
class Fitted(SurrogateFamily):
    """A Runge-Kutta method that was fitted to one model, one range of states and one save interval.

    A classical method has coefficients that make its error vanish with the step, for every equation. Here the form of
    a method stays (see `Integrator`), the step is long, and all coefficients are free, each step of a save interval
    with its own; they are trained so that whole trajectories have the least error. ``hidden`` are the stages of each
    step: ``--hidden 3,3`` fits two steps of three stages to a save interval. Training starts from a classical method
    with these stages, and needs no PyTorch.

    The result is no method in the mathematical sense: it has no order, and outside of what it was trained for it
    promises nothing.
    """

    hidden: ClassVar[tuple[int, ...]] = (3, 3)
    activation: ClassVar[str] = ""

    def train(self, task: TrainingTask) -> Artifact:
        """Fit the coefficients by Gauss-Newton on whole trajectories."""
        from fhnbench_fitted.fit import train

        return train(task)

    def module(self, artifact: Artifact) -> IntegratorModule:
        """Return the torch module of an artifact."""
        from fhnbench_fitted.module import IntegratorModule

        return IntegratorModule(artifact)
