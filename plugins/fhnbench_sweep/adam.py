"""Adam for a stack of networks, each with a learning rate of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8


class StackedAdam:
    """Adam (Kingma and Ba, 2014) with the constants of `torch.optim.Adam`, on parameters ``[K, ...]``.

    Parameters
    ----------
    parameters
        Changed in place.
    masks
        Ones where a parameter belongs to a network; elsewhere it stays zero.
    """

    def __init__(self, parameters: Sequence[Tensor], masks: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._masks = list(masks)
        self._mean = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._square = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Take a step.

        Parameters
        ----------
        gradients
            In the order of the parameters.
        rates
            Learning rates ``[K]``; with 0 a network stays as it is.
        """
        self._steps += 1
        masked = torch._foreach_mul(list(gradients), self._masks)
        torch._foreach_lerp_(self._mean, masked, 1 - _DECAY)
        torch._foreach_mul_(self._square, _SQUARE_DECAY)
        torch._foreach_addcmul_(self._square, masked, masked, 1 - _SQUARE_DECAY)
        scale = torch._foreach_sqrt(self._square)
        torch._foreach_div_(scale, math.sqrt(1 - _SQUARE_DECAY**self._steps))
        torch._foreach_add_(scale, _EPSILON)
        lengths = (-rates / (1 - _DECAY**self._steps))[:, None, None]
        torch._foreach_addcdiv_(self._parameters, [mean * lengths for mean in self._mean], scale)

    def keep(self, parameters: Sequence[Tensor], masks: Sequence[Tensor], which: Tensor) -> None:
        """Go on with some of the networks, whose parameters are given."""
        self._parameters, self._masks = list(parameters), list(masks)
        self._mean = [
            value[which, : new.shape[1], : new.shape[2]] for value, new in zip(self._mean, parameters, strict=True)
        ]
        self._square = [
            value[which, : new.shape[1], : new.shape[2]] for value, new in zip(self._square, parameters, strict=True)
        ]
