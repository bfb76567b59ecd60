"""Activations of a stack's layer and their slopes on a CPU: one call for all networks, one pass over memory.

torch has an operation for each function, to be called for each network whose neighbour has another activation, and its
tanh alone takes 3.3 ns a value on one thread of a Zen 4. The formulas here have no branches and so fill vector
registers: value and slope take 0.12 (relu) to 0.57 ns (softplus) together.

Errors are below 4e-7 of the larger of value and argument. Where a value is far smaller than one, as in the tails of
sigmoid, softplus and of all slopes, they are not exact to its last place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from fhnbench.native import jit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fhnbench.structure import Activation

_f = np.float32
_ZERO, _HALF, _ONE, _TWO = _f(0), _f(0.5), _f(1), _f(2)

# Coefficients are minimax, those of `fhnbench_cpu.activations`, which tells how they were found.
# tanh(x / 2) = x P(x^2) / Q(x^2) up to a limit, beyond which tanh is 1 to rounding.
_LIMIT = _f(8.6)
_P0, _P1, _P2 = _f(0.499999998090126), _f(0.014901787058170192), _f(5.745004365488528e-05)
_Q1, _Q2, _Q3 = _f(0.1131368783160103), _f(0.001209670375506735), _f(1.2426752523549494e-06)

# sin r = r + r^3 P(r^2) within half a turn of pi, which is the sum of two numbers.
_PI, _PI_REST, _QUARTER = _f(math.pi), _f(math.pi - float(_f(math.pi))), _f(math.pi / 2)
_S0, _S1, _S2, _S3 = _f(-0.1666665955), _f(0.008333066246), _f(-0.0001980960288), _f(2.605780589e-06)


def activate_in_place(z: Tensor, codes: NDArray[np.int64]) -> Tensor:
    """Write a layer's activations over z and return them, differentiable once.

    Parameters
    ----------
    z
        ``[K, R, width]``, float32, on a CPU, contiguous.
    codes
        ``[K]``, as `codes_of` gives them.
    """
    values: Tensor = _Fused.apply(z, codes)  # type: ignore[no-untyped-call]
    return values


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, codes: NDArray[np.int64]) -> Tensor:
        slopes = torch.empty_like(z)
        rows = (len(codes), -1)  # views, which torch refuses where they would be copies
        _activate(z.detach().view(rows).numpy(), slopes.view(rows).numpy(), codes)
        ctx.mark_dirty(z)
        ctx.save_for_backward(slopes)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_y: Tensor) -> tuple[Tensor, None]:
        (slopes,) = ctx.saved_tensors
        return by_y * slopes, None


@jit()
def _relu(x: Any) -> Any:
    return max(x, _ZERO), _ONE if x > _ZERO else _ZERO


@jit()
def _tanh_value(x: Any) -> Any:
    x = min(max(x, -_LIMIT), _LIMIT)
    z = x * x
    p = x * (_P0 + z * (_P1 + z * _P2))
    q = _ONE + z * (_Q1 + z * (_Q2 + z * _Q3))
    return _TWO * p * q / (q * q + p * p)


@jit()
def _tanh(x: Any) -> Any:
    y = _tanh_value(x)
    return y, _ONE - y * y


@jit()
def _sigmoid(x: Any) -> Any:
    y = _HALF + _HALF * _tanh_value(_HALF * x)
    return y, y * (_ONE - y)


@jit()
def _silu(x: Any) -> Any:
    gate, slope = _sigmoid(x)
    return x * gate, gate + x * slope


@jit()
def _softplus(x: Any) -> Any:
    """Return ``max(x, 0) - log g``, where g is the sigmoid of |x| and ``-log g = 2 artanh((1 - g) / (1 + g))``."""
    gate, _ = _sigmoid(x)
    larger = max(gate, _ONE - gate)
    ratio = (_ONE - larger) / (_ONE + larger)
    z = ratio * ratio
    series = _ONE + z * (_f(1 / 3) + z * (_f(1 / 5) + z * (_f(1 / 7) + z * (_f(1 / 9) + z * _f(1 / 11)))))
    return max(x, _ZERO) + _TWO * ratio * series, gate


@jit()
def _sine(x: Any) -> Any:
    """Return the sine of ``x = n pi + r``, which is that of r, negated if n is odd."""
    n = np.floor(x * _f(1 / math.pi) + _HALF)
    r = (x - n * _PI) - n * _PI_REST
    z = r * r
    odd = n - _TWO * np.floor(_HALF * n)
    return (r + r * z * (_S0 + z * (_S1 + z * (_S2 + z * _S3)))) * (_ONE - _TWO * odd)


@jit()
def _sin(x: Any) -> Any:
    return _sine(x), _sine(x + _QUARTER)


_CODES: dict[Activation, int] = {
    "identity": 0, "relu": 1, "tanh": 2, "sigmoid": 3, "silu": 4, "softplus": 5, "sin": 6
}  # fmt: skip


def codes_of(names: Sequence[Activation]) -> NDArray[np.int64]:
    """Return what stands for the activations of K networks in `activate_in_place`, ``[K]``."""
    return np.array([_CODES[name] for name in names])


@jit()
def _activate(z: Any, slopes: Any, codes: Any) -> None:  # noqa: C901, PLR0912 (numba has no table of functions)
    """Replace ``z[K, M]`` by its activations: a loop for each function, since a branch inside would undo vectors."""
    for k in range(codes.size):
        values, derivatives, code = z[k], slopes[k], codes[k]
        if code == 1:
            for i in range(values.size):
                values[i], derivatives[i] = _relu(values[i])
        elif code == 2:
            for i in range(values.size):
                values[i], derivatives[i] = _tanh(values[i])
        elif code == 3:
            for i in range(values.size):
                values[i], derivatives[i] = _sigmoid(values[i])
        elif code == 4:
            for i in range(values.size):
                values[i], derivatives[i] = _silu(values[i])
        elif code == 5:
            for i in range(values.size):
                values[i], derivatives[i] = _softplus(values[i])
        elif code == 6:
            for i in range(values.size):
                values[i], derivatives[i] = _sin(values[i])
        else:
            derivatives[:] = _ONE
