"""The family ``itnn``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import FhnbenchError, SurrogateFamily

if TYPE_CHECKING:
    from fhnbench import Artifact, NetworkModule, TrainingDesign, TrainingTask


@final
@dataclass(frozen=True)
class Iterative(SurrogateFamily):
    """An iterative network (Werneck et al., section 2).

    Parameters
    ----------
    target
        ``increment``: the network gives what is added to the state; ``state``: the next state, as in the paper.
    unroll
        Passes that are chained in training, each compared with the data; 1: single passes, as in the paper.
    finish_unroll
        The same for the second phase of training, if the recipe has one; 0: as many as reach the horizon.
    pass_points
        Save points that one pass gives.

    Raises
    ------
    FhnbenchError
        If a number cannot be.
    """

    target: Literal["state", "increment"] = "increment"
    unroll: int = 1
    finish_unroll: int = 0
    pass_points: int = 1

    def __post_init__(self) -> None:
        if self.unroll < 1 or self.finish_unroll < 0 or self.pass_points < 1:
            raise FhnbenchError(
                f"itnn: unroll={self.unroll} and pass_points={self.pass_points} must be positive, "
                f"and finish_unroll={self.finish_unroll} not negative"
            )

    def design(self, task: TrainingTask) -> TrainingDesign:
        """Return a network of (u, w, I) and the mean squared error of chained passes."""
        from fhnbench import TrainingDesign, iterative_network, typical_trajectories
        from fhnbench_itnn.objective import UpdateLoss
        from fhnbench_itnn.recipes import RECIPES

        states = typical_trajectories(task.problem)
        network = iterative_network(task.problem, task.hidden, task.activations, states, self.target, self.pass_points)
        finish_unroll = self.finish_unroll or (task.problem.save_points - 1) // self.pass_points
        finish = UpdateLoss(finish_unroll, self.pass_points)
        return TrainingDesign(network, UpdateLoss(self.unroll, self.pass_points), RECIPES, finish)

    def train(self, task: TrainingTask) -> Artifact:
        """Train on what `design` returns."""
        from fhnbench import train_surrogate

        return train_surrogate(task, self.design(task))

    def module(self, artifact: Artifact) -> NetworkModule:
        """Return the torch module of an artifact."""
        from fhnbench import NetworkModule

        return NetworkModule.of(artifact)
