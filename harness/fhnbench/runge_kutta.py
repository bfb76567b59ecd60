"""Explicit Runge-Kutta methods for the FitzHugh-Nagumo model, folded to the fewest operations a step.

Only du/dt is nonlinear, and only in u; and in the classical methods each stage uses no slope but the one before it.
Three things follow, and `fold` does them in float64, once, before a kernel runs:

- the slope of a stage is known from the state that it leads to, so no stage evaluates more than its own cubic;
- the recovery variable of every stage is a fixed linear combination of u at the stages, so it is never computed;
- each stage's u has a scale of its own, chosen so that the cubic has the coefficient one.

What is left of a method with s stages is, for each sample,

``x[i + 1] = x[i] * (k[i] - x[i] * x[i]) + (linear combination of x[1], ..., x[i - 1], z, r)``, ``i = 1 ... s``,

of which the last is the new ``x[1]``, and ``z = (linear combination of x[1], ..., x[s], z, r)``. Here x is u in another
scale, z is proportional to ``w - i_app / c``, and r is constant in time. In the first stage the linear
combination is z itself. That is 4, 9, 15 and 22 multiply-adds a step for one to four stages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

    from fhnbench.problem import FitzHughNagumo


@dataclass(frozen=True, slots=True)
class Tableau:
    """An explicit Runge-Kutta method in which each stage uses only the slope of the stage before it.

    Parameters
    ----------
    order
        Order of convergence.
    nodes
        Where the stages after the first begin, in steps: ``c[2], ..., c[s]``, positive.
    weights
        Weights of the slopes, ``b[1], ..., b[s]``; the last is positive.

    Raises
    ------
    FhnbenchError
        If the lengths do not fit together, or a node or the last weight is not positive.
    """

    order: int
    nodes: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.nodes) + 1 or min((*self.nodes, self.weights[-1])) <= 0:
            raise FhnbenchError(f"{self} needs a weight more than nodes, and positive nodes and a positive last weight")

    @property
    def stages(self) -> int:
        """Number of stages, s."""
        return len(self.weights)

    @property
    def operations(self) -> int:
        """Multiply-adds of one folded step."""
        s = self.stages
        return 2 * s + (s * (s + 1) // 2 - 1) + (s + 1)


EULER = Tableau(1, (), (1.0,))
"""Euler's method, order 1."""

MIDPOINT = Tableau(2, (1 / 2,), (0.0, 1.0))
"""The explicit midpoint method, order 2."""

HEUN = Tableau(2, (1.0,), (1 / 2, 1 / 2))
"""Heun's method (the explicit trapezoidal rule), order 2."""

HEUN3 = Tableau(3, (1 / 3, 2 / 3), (1 / 4, 0.0, 3 / 4))
"""Heun's third-order method."""

RK4 = Tableau(4, (1 / 2, 1 / 2, 1.0), (1 / 6, 2 / 6, 2 / 6, 1 / 6))
"""The classical Runge-Kutta method, order 4."""


@dataclass(frozen=True, slots=True)
class FoldedStep:
    """A step of a method as a kernel needs it.

    Parameters
    ----------
    u_scale
        ``u = u_scale * x``.
    w_from_z, w_from_i
        ``w = w_from_z * z + w_from_i * i_app``.
    r_from_one, r_from_i
        ``r = r_from_one + r_from_i * i_app``.
    rows
        The coefficients of each stage, ``(k[1],)`` and then ``(k[i], x[1], ..., x[i - 1], z, r)``, and last those of
        the new z, ``(x[1], ..., x[s], z, r)``.
    """

    u_scale: float
    w_from_z: float
    w_from_i: float
    r_from_one: float
    r_from_i: float
    rows: tuple[tuple[float, ...], ...]

    @property
    def coefficients(self) -> tuple[float, ...]:
        """All rows, one after the other: as many numbers as the step has multiply-adds."""
        return tuple(coefficient for row in self.rows for coefficient in row)

    def numbers(self, dtype: DTypeLike, substeps: int) -> tuple[float, ...]:
        """Return all that a kernel needs.

        Parameters
        ----------
        dtype
            The kernel's dtype.
        substeps
            Steps in a save interval, after which the kernel makes good for rounded coefficients.

        Returns
        -------
        tuple of float
            ``u_scale, 1 / u_scale, w_from_z, 1 / w_from_z, w_from_i, z_from_i, r_from_one, r_from_i``, where
            ``z = w / w_from_z + z_from_i * i_app``; the drifts of x and z in a save interval, and the coefficients.
        """
        x_drift, z_drift = self.rounding_drift(dtype)
        return (
            *(self.u_scale, 1 / self.u_scale, self.w_from_z, 1 / self.w_from_z),
            *(self.w_from_i, -self.w_from_i / self.w_from_z, self.r_from_one, self.r_from_i),
            *(substeps * x_drift, substeps * z_drift),
            *self.coefficients,
        )

    def rounding_drift(self, dtype: DTypeLike) -> tuple[float, float]:
        """Return by how much x and z change too little in a step, relative to themselves, with rounded coefficients.

        Coefficients near one are rounded by up to 6e-8 in float32. At small steps that acts like another value of c or
        of b / tau, so a kernel that rounds to `dtype` makes good for it after some steps:
        ``x = x + steps * drift * x``.
        """
        rounded = [np.array(row, dtype).astype(np.float64) for row in self.rows]
        drift = np.diag(_linear_part(self.rows) - _linear_part(rounded))
        return float(drift[0]), float(drift[1])


def fold(tableau: Tableau, model: FitzHughNagumo, dt: float) -> FoldedStep:
    """Fold a method, a model and a step in time units into the coefficients of `FoldedStep`, in float64."""
    stages, lead = tableau.stages, dt * np.array([*tableau.nodes, tableau.weights[-1]])
    scales = _scales(lead * model.c / 3)
    # Linear combinations of u at the stages, v = w - i_app / c, and rho = a - b * i_app / c, in this order: the model
    # is du/dt = c (u - v) - c/3 u^3 and dv/dt = (u + rho - b v) / tau.
    *u, v, rho = np.eye(stages + 2)

    vs, slopes = [v], []
    for stage in range(stages):
        slopes.append((u[stage] + rho - model.b * vs[stage]) / model.tau)
        if stage < stages - 1:
            vs.append(v + lead[stage] * slopes[stage])
    new_v = v + dt * sum(weight * slope for weight, slope in zip(tableau.weights, slopes, strict=True))

    new_us = [u[0] + lead[i] * model.c * (u[i] - vs[i]) for i in range(stages)]  # and the cubics
    for weight, node, i in zip(tableau.weights, tableau.nodes, range(1, stages), strict=False):
        new_us[-1] += weight / node * (u[i] - u[0])

    z_per_v = -lead[0] * model.c / scales[1]
    r_per_rho = z_per_v * dt / model.tau
    units = np.array([*scales[:-1], 1 / z_per_v, 1 / r_per_rho])
    rows = [_row(i, new_us[i] * units / scales[i + 1]) for i in range(stages)]
    rows.append((new_v * units * z_per_v).tolist())
    return FoldedStep(
        u_scale=scales[0],
        w_from_z=1 / z_per_v,
        w_from_i=1 / model.c,
        r_from_one=r_per_rho * model.a,
        r_from_i=-r_per_rho * model.b / model.c,
        rows=tuple(tuple(row) for row in rows),
    )


def _scales(cubics: NDArray[np.float64]) -> list[float]:
    """Return the scales of u at the stages and at the new state, the first again, for which all cubics become one."""
    # scale[i + 1] = cubics[i] * scale[i] ** 3, and the last is equal to the first.
    stages = len(cubics)
    powers = 3.0 ** np.arange(stages - 1, -1, -1)
    scales = [math.exp(-float(powers @ np.log(cubics)) / (3**stages - 1))]
    for cubic in cubics[:-1]:
        scales.append(float(cubic) * scales[-1] ** 3)
    return [*scales, scales[0]]


def _row(stage: int, coefficients: NDArray[np.float64]) -> list[float]:
    """Order a stage's coefficients of ``x[1], ..., x[s], z, r`` as `FoldedStep` has them."""
    *xs, z, r = coefficients.tolist()
    return [xs[stage]] if stage == 0 else [xs[stage], *xs[:stage], z, r]


def _linear_part(rows: Sequence[Sequence[float] | NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the matrix by which a step without its cubics multiplies ``(x, z)``."""
    x, z = np.eye(2)
    xs = [x]
    for k, *others in rows[:-1]:
        linear = others[:-1] @ np.array([*xs[:-1], z]) if others else z
        xs.append(k * xs[-1] + linear)
    return np.array([xs[-1], rows[-1][:-1] @ np.array([*xs[:-1], z])])
