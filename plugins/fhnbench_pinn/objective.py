"""The loss of the family ``pinn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from fhnbench import Objective
from fhnbench_pinn.derivative import states_and_rates

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Batch, FitzHughNagumo, NetworkModule, Points


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
        assert batch.start is not None
        domain = batch.domain if "physics" in self.weights else batch.domain[:0]
        targets: dict[str, tuple[Points, Tensor]] = {}
        if "data" in self.weights:
            assert batch.states is not None
            targets["data"] = batch.points, batch.states[0]
        if "boundary" in self.weights:
            targets["boundary"] = batch.start, batch.start.initial
        states, rates = states_and_rates(model, domain, *(points for points, _ in targets.values()))
        (u, w), *predicted = states.split([domain.size, *(points.size for points, _ in targets.values())], dim=1)
        terms = {name: found - states for found, (name, (_, states)) in zip(predicted, targets.items(), strict=True)}
        if "physics" in self.weights:
            terms["physics"] = rates - torch.stack(self._cell.derivative(u, w, domain.i_app))
        return terms
