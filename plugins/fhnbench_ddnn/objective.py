"""The loss of the family ``ddnn``."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, final

from fhnbench import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Batch, NetworkModule


@final
class DataLoss(Objective):
    """``L_D`` of Werneck et al., section 2: half the squared error of (u, w), averaged over the samples."""

    window = 0
    domain = False
    weights = MappingProxyType({"data": 1.0})

    def residuals(self, model: NetworkModule, batch: Batch) -> dict[str, Tensor]:
        """Return the errors of u and w, ``[2, B]``."""
        assert batch.states is not None
        points = batch.points
        predicted = model.advance(t=points.t, state=points.initial, i_app=points.i_app)
        return {"data": predicted[0] - batch.states[0]}
