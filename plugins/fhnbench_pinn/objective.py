"""The loss of the family ``pinn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from fhnbench import Objective
from fhnbench_pinn.derivative import state_and_rate

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Batch, FitzHughNagumo, NetworkModule


@final
class PhysicsLoss(Objective):
    """Weighted sum of ``L_D``, ``L_physics`` and ``L_B`` of Werneck et al., section 2.

    Parameters
    ----------
    cell
        The equations.
    data, physics, boundary
        Weights; a term of weight 0 is not computed, and without the first no trajectories are asked for.
    """

    domain = True

    def __init__(self, cell: FitzHughNagumo, data: float, physics: float, boundary: float) -> None:
        given = {"data": data, "physics": physics, "boundary": boundary}
        self.weights = {name: weight for name, weight in given.items() if weight > 0}
        self.window = 0 if data > 0 else None
        self._cell = cell

    def residuals(self, model: NetworkModule, batch: Batch) -> dict[str, Tensor]:
        """Return errors at the data, of the equations and of the initial condition, each ``[2, B]``."""
        assert batch.domain is not None
        domain, terms = batch.domain, {}
        if "data" in self.weights:
            assert batch.states is not None
            points = batch.points
            predicted = model.advance(t=points.t, state=points.initial, i_app=points.i_app)[0]
            terms["data"] = predicted - batch.states[0]
        if "physics" in self.weights:
            (u, w), rate = state_and_rate(model, domain)
            terms["physics"] = rate - torch.stack(self._cell.derivative(u, w, domain.i_app))
        if "boundary" in self.weights:
            start = model.advance(t=torch.zeros_like(domain.t), state=domain.initial, i_app=domain.i_app)[0]
            terms["boundary"] = start - domain.initial
        return terms
