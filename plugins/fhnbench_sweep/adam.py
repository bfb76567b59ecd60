"""Adam for a stack of networks, each with a learning rate of its own, in four passes over all parameters.

All parameters lie in one piece of memory, of which the stack's are views: an operation for each parameter would cost a
small stack more than its matrix products. torch's fused Adam, with a learning rate of one, gives the directions; they
are added times the rates, which are zero where a parameter pads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from fhnbench import NetworkStack

_MOMENTS = ("exp_avg", "exp_avg_sq")


class StackedAdam:
    """Adam (Kingma and Ba, 2014) with the constants of `torch.optim.Adam`.

    Parameters
    ----------
    stack
        Its parameters ``[K, ...]`` are moved into one piece of memory, and changed by `step`.
    """

    def __init__(self, stack: NetworkStack) -> None:
        parameters = list(stack.parameters())
        self._shapes = [parameter.shape for parameter in parameters]
        device = parameters[0].device
        self._masks = [mask.to(device) for mask in stack.masks]
        self._values = _flat([parameter.detach() for parameter in parameters])
        for parameter, view in zip(parameters, self._parts(self._values), strict=True):
            parameter.data = view
        self._directions = torch.zeros_like(self._values)
        self._directions.grad = torch.zeros_like(self._values)
        self._gradients = self._parts(self._directions.grad)
        self._adam = torch.optim.Adam([self._directions], lr=1.0, fused=True)
        self._shares = torch.ones(stack.size, device=device)
        self._scale = _flat(self._masks)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Take a step.

        Parameters
        ----------
        gradients
            In the order of the parameters.
        rates
            Learning rates ``[K]``, on the host; with 0 a network stays as it is.
        """
        highest = float(rates.max())
        if highest == 0:
            return
        self._share(rates / highest)
        torch._foreach_copy_(self._gradients, list(gradients))
        self._adam.step()
        self._values.addcmul_(self._directions, self._scale, value=highest)
        self._directions.zero_()

    def keep(self, stack: NetworkStack, which: Tensor) -> StackedAdam:
        """Return what goes on with some of the networks, whose stack is given."""
        other = StackedAdam(stack)
        if state := self._adam.state[self._directions]:
            moments = {}
            for name in _MOMENTS:
                parts = zip(self._parts(state[name]), other._shapes, strict=True)
                moments[name] = _flat([part[which, : shape[1], : shape[2]] for part, shape in parts])
            other._adam.state[other._directions] = {"step": state["step"].clone(), **moments}
        return other

    def _share(self, shares: Tensor) -> None:
        """Set each network's rate as a share of the highest one."""
        if not torch.equal(shares, self._shares):
            self._shares = shares
            by_network = shares.to(self._values)[:, None, None]
            self._scale = _flat([mask * by_network for mask in self._masks])

    def _parts(self, values: Tensor) -> list[Tensor]:
        parts = torch.split(values, [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
