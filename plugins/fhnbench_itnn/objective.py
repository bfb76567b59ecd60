"""The loss of the family ``itnn``."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, final

import torch

from fhnbench import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Batch, NetworkModule


@final
class UpdateLoss(Objective):
    """``L_I`` of Werneck et al., equation 3, over several chained passes.

    Parameters
    ----------
    unroll
        Passes that are chained, from the first state of each sample.
    pass_points
        Save points that one pass gives.
    """

    domain = False
    weights = MappingProxyType({"update": 1.0})

    def __init__(self, unroll: int, pass_points: int = 1) -> None:
        self.window = unroll * pass_points
        self._unroll = unroll

    def residuals(self, model: NetworkModule, batch: Batch) -> dict[str, Tensor]:
        """Return the errors of all save points that the passes give, ``[window, 2, B]``."""
        assert batch.states is not None
        state = batch.states[0]
        predicted = []
        for _ in range(self._unroll):
            predicted.append(model.advance(state=state, i_app=batch.points.i_app))
            state = predicted[-1][-1]
        return {"update": torch.cat(predicted) - batch.states[1:]}

    @torch.no_grad()
    def jacobians(self, model: NetworkModule, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the errors and their derivatives; those of a pass follow from those of the one before it."""
        assert batch.states is not None
        state, i_app = batch.states[0], batch.points.i_app
        reads_state = [model.network.inputs.index(name) for name in ("u", "w")]
        increment = model.network.output == "increment"
        sensitivity = torch.zeros(())
        errors: list[Tensor] = []
        slopes: list[Tensor] = []
        for begin in range(1, len(batch.states), model.network.pass_points):
            outputs, by_inputs, by_weights = model.linearise(model.columns(t=None, state=state, i_app=i_app))
            by_state = by_inputs[:, :, reads_state]
            if increment:
                identity = torch.eye(2, dtype=outputs.dtype, device=outputs.device)
                by_state = by_state + identity.repeat(model.network.pass_points, 1)
                outputs = outputs + state.T.repeat(1, model.network.pass_points)
            slope = by_weights + (by_state @ sensitivity if errors else 0.0)
            target = batch.states[begin : begin + model.network.pass_points].flatten(0, 1).T
            errors.append(outputs - target)
            slopes.append(slope)
            state, sensitivity = outputs[:, -2:].T, slope[:, -2:]
        return {"update": (torch.cat(errors, dim=1), torch.cat(slopes, dim=1))}
