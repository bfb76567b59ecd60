"""Activation functions for vector registers: no branches, no table look-ups, at most half a division each.

A formula takes the pre-activation as a `Vector` and computes with ``+ - *``, ``fma`` and a few operations on bits, in
the precision of its argument. One that needs a division returns a `Ratio` instead of the quotient, because a division
takes as long as ten multiply-adds: neurons share it in pairs, ``a / b = a (d / bd)`` and ``c / d = c (b / bd)``.
Numbers of instructions are nowhere declared; they are counted as kernels are built.

The coefficients are minimax: they make the largest relative error (found with Remez's exchange in 50 digits, and with
a p-norm fit for the tanh of float32) as small as that degree allows. Measured errors, in units of the last place of
float32 against torch in float64: tests/test_cpu_runtime.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench import Activation
    from fhnbench_cpu.network_vectors import Element, Vector


class Ratio(NamedTuple):
    """The value ``scale * numerator / denominator``.

    Denominators are positive, and small enough that the product of two is finite.
    """

    numerator: Vector
    denominator: Vector
    scale: float = 1.0


def _identity(x: Vector) -> Vector:
    return x


def _relu(x: Vector) -> Vector:
    return x.maximum(0.0)


@dataclass(frozen=True)
class _Tanh:
    """``tanh(x / 2) = x P(x^2) / Q(x^2)`` for ``|x| <= limit``; beyond it tanh is 1 to rounding."""

    limit: float
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]


_TANH: dict[Element, _Tanh] = {
    "float32": _Tanh(
        8.6,
        (0.499999998090126, 0.014901787058170192, 5.745004365488528e-05),
        (1.0, 0.1131368783160103, 0.001209670375506735, 1.2426752523549494e-06),
    ),
    "float64": _Tanh(
        19.25,
        (0.5, 0.0187340667679620825, 0.000177687993270542771, 6.46535420411930967e-7, 1.03161629187806116e-9,
         7.24659823874019697e-13, 1.97360557706133922e-16, 1.37978703519676739e-20),
        (1.0, 0.120801466869257498, 0.00208883155897921053, 0.000011937445099247087, 2.85473800730152089e-8,
         3.04225422841116121e-11, 1.3669255722777203e-14, 2.05607127572440359e-18, 4.48835288341258639e-23),
    ),
}  # fmt: skip


def _tanh(x: Vector) -> Ratio:
    """Return tanh, from the tanh of half the angle, ``p / q``: ``2 p q / (p^2 + q^2)``.

    Doubling the angle costs three operations and saves twice as many coefficients, since an error of the half angle
    hardly matters where tanh is flat. The relative error is small near zero too, and the value never exceeds one by
    more than rounding.
    """
    c = _TANH[x.element]
    x = x.minimum(c.limit).maximum(-c.limit)
    z = x * x
    p, q = x * _polynomial(z, c.numerator), _polynomial(z, c.denominator)
    return Ratio(p * q, q.fma(q, p * p), 2.0)


@dataclass(frozen=True)
class _Exponential:
    """``2^f = P(f)`` for ``|f| <= 1/2``, and the limit of the exponent at which results still multiply safely."""

    limit: float
    coefficients: tuple[float, ...]


_LOG2_E = 1.4426950408889634

_EXPONENTIAL: dict[Element, _Exponential] = {
    "float32": _Exponential(
        42.0, (1.0, 0.6931469776, 0.2402224208, 0.05550733739, 0.009671512736, 0.001326472883)
    ),
    "float64": _Exponential(
        340.0,
        (1.0, 0.69314718055994533, 0.240226506959101562, 0.0555041086648199213, 0.00961812910758833537,
         0.00133335581467899329, 0.000154035304625147696, 0.0000152527334899996271, 1.32154330893824007e-6,
         1.01781980132756803e-7, 7.07410567646382441e-9, 4.43528416694223331e-10),
    ),
}  # fmt: skip


def _exponential_of_minus(x: Vector) -> Vector:
    """Return ``e^-x = 2^n 2^f`` with n the nearest whole number, for x between plus and minus the limit.

    n comes from adding a number so large that its unit in the last place is one. The rounding error of the constant
    log2(e) is, by luck, 1e-8 of it in float32 and 1e-17 in float64, so one multiply-add reduces the argument.
    """
    shifted = x.fma(-_LOG2_E, x.unit_shift)
    fraction = x.fma(-_LOG2_E, x.unit_shift - shifted)
    return _polynomial(fraction, _EXPONENTIAL[x.element].coefficients).times_two_to_the(shifted)


def _sigmoid(x: Vector) -> Ratio:
    limit = _EXPONENTIAL[x.element].limit
    return Ratio(x.constant(1.0), _exponential_of_minus(x.minimum(limit).maximum(-limit)) + 1.0)


def _silu(x: Vector) -> Ratio:
    limit = _EXPONENTIAL[x.element].limit
    x = x.maximum(-limit)
    return Ratio(x, _exponential_of_minus(x.minimum(limit)) + 1.0)


_LOG1P: dict[Element, tuple[float, ...]] = {
    "float32": (
        0.999999969880382299, -0.499994931468783626, 0.333190968425793738, -0.248429821579946723, 0.191060058803054696,
        -0.136632430619700778, 0.0782259124305090116, -0.0295052110311318746, 0.00523268659709665515,
    ),
    "float64": (
        0.999999999999999999, -0.499999999999998531, 0.33333333333309221, -0.249999999984230088, 0.199999999451591139,
        -0.166666654933143419, 0.14285697425541848, -0.124998275916262956, 0.111098044065302016, -0.0999243783047697376,
        0.0905673194422203174, -0.0821057341207478919, 0.0733686168256047715, -0.0630299358467615817,
        0.0502809805510730042, -0.0357583883754496474, 0.0217083201685677474, -0.0107441027639256656,
        0.00410992835828317932, -0.00112995590023634682, 0.000197508784497265099, -0.0000164185301789546896,
    ),
}  # fmt: skip
"""``log(1 + y) = y P(y)`` for y between 0 and 1."""


def _softplus(x: Vector) -> Vector:
    """Return ``log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)``, which neither overflows nor cancels."""
    positive = x.maximum(0.0)
    magnitude = positive + positive - x
    exponential = _exponential_of_minus(magnitude.minimum(_EXPONENTIAL[x.element].limit))
    return exponential.fma(_polynomial(exponential, _LOG1P[x.element]), positive)


@dataclass(frozen=True)
class _Sine:
    """``sin r = r + r^3 P(r^2)`` for ``|r| <= pi / 2``, and pi as the sum of two numbers of the precision."""

    pi: tuple[float, float]
    coefficients: tuple[float, ...]


_SINE: dict[Element, _Sine] = {
    "float32": _Sine(
        (3.1415927410125732, -8.742277657347586e-08),
        (-0.166666595504167921, 0.00833306624575654251, -0.000198096028784608721, 2.60578058860625041e-6),
    ),
    "float64": _Sine(
        (3.141592653589793, 1.2246467991473532e-16),
        (-0.166666666666666656, 0.00833333333333319431, -0.000198412698412092199, 2.75573192111373912e-6,
         -2.50521068728126989e-8, 1.60589397064062837e-10, -7.64299150208639083e-13, 2.72117509169800451e-15),
    ),
}  # fmt: skip


def _sin(x: Vector) -> Vector:
    """Return the sine of ``x = n pi + r``, which is that of r, negated if n is odd.

    The first multiply-add of the reduction is exact, the second exact to the last place: after n half turns, r is off
    by 5e-15 n in float32.
    """
    c = _SINE[x.element]
    shifted = x.fma(1 / c.pi[0], x.unit_shift)
    turns = x.unit_shift - shifted
    r = turns.fma(c.pi[1], turns.fma(c.pi[0], x))
    z = r * r
    return (r * z).fma(_polynomial(z, c.coefficients), r).negated_where_odd(shifted)


def _polynomial(x: Vector, coefficients: Sequence[float]) -> Vector:
    """Evaluate a polynomial by Horner's rule; the constant term comes first."""
    value = x.fma(coefficients[-1], coefficients[-2])
    for coefficient in coefficients[-3::-1]:
        value = value.fma(x, coefficient)
    return value


ACTIVATIONS: dict[Activation, Callable[[Vector], Vector | Ratio]] = {
    "identity": _identity,
    "relu": _relu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "softplus": _softplus,
    "sin": _sin,
}
"""The formula of each activation that a `Network` may name."""


def activate(name: Activation, values: Sequence[Vector]) -> list[Vector]:
    """Return the activations of several neurons of the same samples; two after each other share a division."""
    results = [ACTIVATIONS[name](value) for value in values]
    pairs = [results[first : first + 2] for first in range(0, len(results), 2)]
    return [value for pair in pairs for value in _quotients(pair)]


def _quotients(results: list[Vector | Ratio]) -> list[Vector]:
    """Return the values of one or two results of one formula."""
    match results:
        case [Ratio() as a, Ratio() as b]:
            reciprocal = a.numerator.constant(a.scale) / (a.denominator * b.denominator)
            return [a.numerator * (b.denominator * reciprocal), b.numerator * (a.denominator * reciprocal)]
        case [Ratio() as alone]:
            return [alone.numerator * (alone.numerator.constant(alone.scale) / alone.denominator)]
        case _:
            return [result for result in results if not isinstance(result, Ratio)]
