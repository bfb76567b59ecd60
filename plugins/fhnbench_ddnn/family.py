"""The family ``ddnn``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import SurrogateFamily

if TYPE_CHECKING:
    from fhnbench import Artifact, NetworkModule, TrainingDesign, TrainingTask


@final
@dataclass(frozen=True)
class DataDriven(SurrogateFamily):
    """A data-driven network (Werneck et al., section 2).

    Parameters
    ----------
    target
        ``state``: the network gives the state, as in the paper; ``increment``: what is added to the initial state.
    """

    target: Literal["state", "increment"] = "state"

    def design(self, task: TrainingTask) -> TrainingDesign:
        """Return a network of (t, u0, w0, I) and the mean squared error at such points."""
        from fhnbench import TrainingDesign, direct_network, typical_trajectories
        from fhnbench_ddnn.objective import DataLoss
        from fhnbench_ddnn.recipes import RECIPES

        states = typical_trajectories(task.problem)
        network = direct_network(task.problem, task.hidden, task.activations, states, self.target)
        return TrainingDesign(network, DataLoss(), RECIPES)

    def train(self, task: TrainingTask) -> Artifact:
        """Train on what `design` returns."""
        from fhnbench import train_surrogate

        return train_surrogate(task, self.design(task))

    def module(self, artifact: Artifact) -> NetworkModule:
        """Return the torch module of an artifact."""
        from fhnbench import NetworkModule

        return NetworkModule.of(artifact)
