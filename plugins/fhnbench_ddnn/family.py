"""The family ``ddnn``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import SurrogateFamily

if TYPE_CHECKING:
    from fhnbench import Artifact, NetworkModule, TrainingTask


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

    def train(self, task: TrainingTask) -> Artifact:
        """Train on the mean squared error at points (t, u0, w0, I)."""
        from fhnbench import direct_network, train_surrogate, typical_trajectories
        from fhnbench_ddnn.objective import DataLoss
        from fhnbench_ddnn.recipes import RECIPES

        states = typical_trajectories(task.problem)
        network = direct_network(task.problem, task.hidden, task.activations, states, self.target)
        return train_surrogate(task, network, DataLoss(), RECIPES)

    def module(self, artifact: Artifact) -> NetworkModule:
        """Return the torch module of an artifact."""
        from fhnbench import NetworkModule

        return NetworkModule.of(artifact)
