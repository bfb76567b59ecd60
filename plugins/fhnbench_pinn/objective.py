"""The loss of the family ``pinn``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch

from fhnbench import Objective
from fhnbench_pinn.derivative import states_and_rates

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Batch, FitzHughNagumo, NetworkModule, Points

_LONGEST_STEP = 0.5
"""Of RK4, in time units: its mean error over 50 time units is 5e-4."""


@final
class PhysicsLoss(Objective):
    """Weighted sum of ``L_D``, ``L_physics`` and ``L_B`` of Werneck et al., section 2.

    Parameters
    ----------
    cell
        The equations.
    data, physics, boundary
        Weights; a term of weight 0 is not computed, and without the first no trajectories are asked for.
    lookback
        0: the physics is the residual of the equations, by derivatives of the network. Otherwise it is the difference
        of the network's state and of what the equations make of its own state so many time units before. No
        gradient goes through the latter, so that times learn from earlier times only.
    """

    domain = True

    def __init__(
        self, cell: FitzHughNagumo, data: float, physics: float, boundary: float, lookback: float = 0.0
    ) -> None:
        given = {"data": data, "physics": physics, "boundary": boundary}
        self.weights = {name: weight for name, weight in given.items() if weight > 0}
        self.window = 0 if data > 0 else None
        self._cell = cell
        self._lookback = lookback

    def residuals(self, model: NetworkModule, batch: Batch) -> dict[str, Tensor]:
        """Return errors at the data, of the equations and of the initial condition, each ``[2, B]``."""
        assert batch.domain is not None
        assert batch.start is not None
        targets: dict[str, tuple[Points, Tensor]] = {}
        if "data" in self.weights:
            assert batch.states is not None
            targets["data"] = batch.points, batch.states[0]
        if "boundary" in self.weights:
            targets["boundary"] = batch.start, batch.start.initial
        differentiated = batch.domain.first(0)
        if "physics" in self.weights and self._lookback:
            targets["physics"] = batch.domain, self._continued(model, batch.domain)
        elif "physics" in self.weights:
            differentiated = batch.domain
        states, rates = states_and_rates(model, differentiated, *(points for points, _ in targets.values()))
        sizes = [points.size for points, _ in targets.values()]
        (u, w), *predicted = torch.split(states, [differentiated.size, *sizes], dim=-1)
        terms = {name: found - target for found, (name, (_, target)) in zip(predicted, targets.items(), strict=True)}
        if differentiated.size:
            terms["physics"] = rates - torch.stack(self._cell.derivative(u, w, differentiated.i_app))
        return terms

    @torch.no_grad()
    def _continued(self, model: NetworkModule, points: Points) -> Tensor:
        """Return the states ``[2, B]`` that the equations make of the network's own states a while before (RK4)."""
        before = (points.t - self._lookback).clamp_min(0.0)
        state = model.advance(t=before, state=points.initial, i_app=points.i_app)[0]
        state = torch.where(before > 0, state, points.initial)
        dt = (points.t - before) / math.ceil(self._lookback / _LONGEST_STEP)

        def rate(state: Tensor) -> Tensor:
            u, w = state
            return torch.stack(self._cell.derivative(u, w, points.i_app))

        for _ in range(math.ceil(self._lookback / _LONGEST_STEP)):
            k1 = rate(state)
            k2 = rate(torch.addcmul(state, k1, dt, value=0.5))
            k3 = rate(torch.addcmul(state, k2, dt, value=0.5))
            k4 = rate(torch.addcmul(state, k3, dt))
            state = torch.addcmul(state, k1 + 2 * (k2 + k3) + k4, dt, value=1 / 6)
        return state
