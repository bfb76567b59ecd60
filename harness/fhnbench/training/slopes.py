"""Activations with the two derivatives that a Taylor pass and its backward pass need, in few passes over memory.

A stack of networks has several activations in a layer: each for a range of the stack, in place of the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast, final

import torch
from torch.nn.functional import silu, softplus

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_aten = torch.ops.aten


class Differentiable(ABC):
    """An elementwise function f of z, with y = f(z); what is asked for is written to `out` if it is given."""

    @abstractmethod
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        """Return f(z)."""

    @abstractmethod
    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        """Return g f'(z)."""

    @abstractmethod
    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """Return g f''(z), where `sloped` is g f'(z)."""


def _backward(function: Any, *operands: Any, out: Tensor | None) -> Tensor:
    """Call the backward pass of an activation in torch, which writes to `out` if it is given."""
    result = function(*operands) if out is None else function.grad_input(*operands, grad_input=out)
    return cast("Tensor", result)


@final
class _Tanh(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.tanh(z, out=out)

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del z
        return _backward(_aten.tanh_backward, g, y, out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, z
        return -2 * sloped * y


@final
class _Sigmoid(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.sigmoid(z, out=out)

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del z
        return _backward(_aten.sigmoid_backward, g, y, out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, z
        return sloped * (1 - 2 * y)


@final
class _Silu(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return silu(z) if out is None else cast("Tensor", _aten.silu.out(z, out=out))

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del y
        return _backward(_aten.silu_backward, g.expand_as(z), z, out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del sloped
        gate = torch.sigmoid(z)
        return g * gate * (1 - gate) * (2 + z - 2 * y)


@final
class _Relu(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.clamp(z, min=0, out=out)

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del y
        return _backward(_aten.threshold_backward, g.expand_as(z), z, 0, out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, sloped, y
        return torch.zeros_like(z)


@final
class _Sin(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.sin(z, out=out)

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del y
        return torch.mul(g, torch.cos(z), out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del sloped, z
        return -g * y


@final
class _Softplus(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return softplus(z) if out is None else cast("Tensor", _aten.softplus.out(z, out=out))

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del y
        return torch.mul(g, torch.sigmoid(z), out=out)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, y
        return sloped * torch.sigmoid(-z)


@final
class _Identity(Differentiable):
    def value(self, z: Tensor, out: Tensor | None = None) -> Tensor:
        return z if out is None else out.copy_(z)

    def slope(self, g: Tensor, z: Tensor, y: Tensor, out: Tensor | None = None) -> Tensor:
        del z, y
        return g if out is None else out.copy_(g)

    def bend(self, g: Tensor, sloped: Tensor, z: Tensor, y: Tensor) -> Tensor:
        del g, sloped, y
        return torch.zeros_like(z)


DIFFERENTIABLE: dict[str, Differentiable] = {
    "tanh": _Tanh(),
    "sigmoid": _Sigmoid(),
    "silu": _Silu(),
    "relu": _Relu(),
    "sin": _Sin(),
    "softplus": _Softplus(),
    "identity": _Identity(),
}
"""The activations of a `Network`."""

Ranges = tuple[tuple[slice, str], ...]
"""Names of activations for ranges along the first axis, which they cover in order; a single one stands for all."""


def activate(z: Tensor, ranges: Ranges) -> Tensor:
    """Return a layer's activations of z, differentiable in z."""
    value: Tensor = _Value.apply(z, ranges)  # type: ignore[no-untyped-call]
    return value


def activate_with_slope(z: Tensor, dz: Tensor, count: int, ranges: Ranges) -> tuple[Tensor, Tensor]:
    """Return a layer's activations of z, and the slope ``f'(z) dz`` of its first rows, differentiable in z and dz.

    Parameters
    ----------
    z
        ``[..., rows, width]``.
    dz
        ``[..., count, width]``, or ``[..., 1, width]`` where all have the same.
    count
        Rows whose slope is asked for.
    ranges
        Activations; ranges are those of the first of three axes.
    """
    value, slope = _ValueAndSlope.apply(z, dz, count, ranges)  # type: ignore[no-untyped-call]
    return value, slope


class _Value(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, ranges: Ranges) -> Tensor:
        if len(ranges) == 1:
            y = DIFFERENTIABLE[ranges[0][1]].value(z)
        else:
            y = torch.empty_like(z)
            for part, name in ranges:
                DIFFERENTIABLE[name].value(z[part], out=y[part])
        ctx.ranges = ranges
        ctx.save_for_backward(z, y)
        return y

    @staticmethod
    def backward(ctx: Any, by_y: Tensor) -> tuple[Tensor, None]:
        z, y = ctx.saved_tensors
        if len(ctx.ranges) == 1:
            return DIFFERENTIABLE[ctx.ranges[0][1]].slope(by_y, z, y), None
        by_z = torch.empty_like(z)
        for part, name in ctx.ranges:
            DIFFERENTIABLE[name].slope(by_y[part], z[part], y[part], out=by_z[part])
        return by_z, None


class _ValueAndSlope(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, dz: Tensor, count: int, ranges: Ranges) -> tuple[Tensor, Tensor]:
        y = _joined(ranges, lambda function, part: function.value(z[part]))
        first, y_first = z[..., :count, :], y[..., :count, :]
        return y, _joined(ranges, lambda function, part: function.slope(dz[part], first[part], y_first[part]))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        z, dz, ctx.count, ctx.ranges = inputs
        ctx.save_for_backward(z, dz, output[0])

    @staticmethod
    def backward(ctx: Any, by_y: Tensor, by_dy: Tensor) -> tuple[Any, ...]:
        z, dz, y = ctx.saved_tensors
        count = ctx.count
        first, y_first = z[..., :count, :], y[..., :count, :]

        def bent(function: Differentiable, part: slice) -> tuple[Tensor, Tensor]:
            by_z = function.slope(by_y[part], z[part], y[part])
            by_dz = function.slope(by_dy[part], first[part], y_first[part])
            bend = function.bend(by_dy[part], by_dz, first[part], y_first[part])
            # Not in place, so that it can be batched sample by sample.
            head = torch.addcmul(by_z[..., :count, :], bend, dz[part])
            by_z = head if count == z.shape[-2] else torch.cat([head, by_z[..., count:, :]], dim=-2)
            return by_z, by_dz

        parts = [bent(DIFFERENTIABLE[name], part) for part, name in ctx.ranges]
        by_z, by_dz = (found[0] if len(parts) == 1 else torch.cat(found) for found in zip(*parts, strict=True))
        return by_z, by_dz.sum_to_size(dz.shape), None, None


def _joined(ranges: Ranges, compute: Callable[[Differentiable, slice], Tensor]) -> Tensor:
    parts = [compute(DIFFERENTIABLE[name], part) for part, name in ranges]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
