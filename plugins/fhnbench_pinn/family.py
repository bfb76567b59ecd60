"""The family ``pinn``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import FhnbenchError, SurrogateFamily

if TYPE_CHECKING:
    from fhnbench import Artifact, NetworkModule, TrainingDesign, TrainingTask


@final
@dataclass(frozen=True)
class PhysicsInformed(SurrogateFamily):
    """A physics-informed network (Werneck et al., section 2).

    Parameters
    ----------
    data, physics, boundary
        Weights of the three losses. With ``data=0`` no trajectory is used.
    target
        ``state``: the network gives the state, as in the paper; ``increment``: what is added to the initial state.
    lookback
        0: the physics is the residual of the equations, by automatic differentiation, as in the paper. Otherwise it
        is the difference of the network's state and of what the equations make of its own state so many time units
        before, which finds the solution without data where the residual has false minima; a second phase uses the
        residual.

    Raises
    ------
    FhnbenchError
        If a weight or `lookback` is negative or not finite, or the weights of physics and boundary are both zero.
    """

    data: float = 1.0
    physics: float = 1.0
    boundary: float = 100.0
    target: Literal["state", "increment"] = "state"
    lookback: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.data, self.physics, self.boundary)
        if min(weights) < 0 or not all(map(math.isfinite, weights)) or self.physics + self.boundary == 0:
            raise FhnbenchError(
                f"pinn: weights data={self.data:g}, physics={self.physics:g}, boundary={self.boundary:g}: all must be "
                f"finite and not negative, and physics or boundary positive"
            )
        if not (math.isfinite(self.lookback) and self.lookback >= 0):
            raise FhnbenchError(f"pinn: lookback={self.lookback:g} must be finite and not negative")

    def design(self, task: TrainingTask) -> TrainingDesign:
        """Return a network, and the residual of the equations, the initial condition and, if there are any, data."""
        from fhnbench import TrainingDesign, direct_network, typical_trajectories
        from fhnbench_pinn.objective import PhysicsLoss
        from fhnbench_pinn.recipes import RECIPES

        states = typical_trajectories(task.problem)
        network = direct_network(task.problem, task.hidden, task.activations, states, self.target)
        weights = self.data, self.physics, self.boundary
        objective = PhysicsLoss(task.problem.model, *weights, self.lookback)
        return TrainingDesign(network, objective, RECIPES, finish=PhysicsLoss(task.problem.model, *weights))

    def train(self, task: TrainingTask) -> Artifact:
        """Train on what `design` returns."""
        from fhnbench import train_surrogate

        return train_surrogate(task, self.design(task))

    def module(self, artifact: Artifact) -> NetworkModule:
        """Return the torch module of an artifact."""
        from fhnbench import NetworkModule

        return NetworkModule.of(artifact)
