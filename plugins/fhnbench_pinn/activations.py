"""Activations with the two derivatives that a Taylor pass and its backward pass need, in few passes over memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast, final

import torch
from torch.nn.functional import silu, softplus

if TYPE_CHECKING:
    from torch import Tensor

_aten = torch.ops.aten


class Differentiable(ABC):
    """An elementwise function f of z, with y = f(z)."""

    @abstractmethod
    def value(self, z: Tensor) -> Tensor:
        """Return f(z)."""

    @abstractmethod
    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """Return g f'(z)."""

    @abstractmethod
    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """Return g f''(z), where `sloped` is g f'(z)."""


@final
class _Tanh(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return torch.tanh(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del z
        return cast("Tensor", _aten.tanh_backward(g, y))

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, z
        return -2 * sloped * y


@final
class _Sigmoid(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del z
        return cast("Tensor", _aten.sigmoid_backward(g, y))

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, z
        return sloped * (1 - 2 * y)


@final
class _Silu(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return silu(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del y
        return cast("Tensor", _aten.silu_backward(g.expand_as(z), z))

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del sloped
        gate = torch.sigmoid(z)
        return g * gate * (1 - gate) * (2 + z - 2 * y)


@final
class _Relu(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return torch.relu(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del y
        return g * (z > 0)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, sloped, y
        return torch.zeros_like(z)


@final
class _Sin(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return torch.sin(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del y
        return g * torch.cos(z)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del sloped, z
        return -g * y


@final
class _Softplus(Differentiable):
    def value(self, z: Tensor) -> Tensor:
        return softplus(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del y
        return g * torch.sigmoid(z)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, y
        return sloped * torch.sigmoid(-z)


ACTIVATIONS: dict[str, Differentiable] = {
    "tanh": _Tanh(),
    "sigmoid": _Sigmoid(),
    "silu": _Silu(),
    "relu": _Relu(),
    "sin": _Sin(),
    "softplus": _Softplus(),
}
"""The activations of hidden layers."""
