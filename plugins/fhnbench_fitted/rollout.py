"""Trajectories of an integrator and their derivatives by its numbers, computed forwards in NumPy.

A *dual* is an array ``[1 + P, B]``: row 0 holds the values for B samples, and row 1 + j their derivatives by number j.
Without derivatives it has row 0 alone, and the same functions compute values only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fhnbench import Ensemble
    from fhnbench_fitted.coefficients import Layout

    Dual = NDArray[np.float64]


class Rollout:
    """Evaluates an integrator with given numbers.

    Parameters
    ----------
    layout
        Where each number is.
    numbers
        The numbers, ``[P]``.
    derivatives
        Whether duals have derivatives.
    """

    def __init__(self, layout: Layout, numbers: NDArray[np.float64], *, derivatives: bool = False) -> None:
        self._layout, self._numbers, self._derivatives = layout, numbers, derivatives
        self._rows = 1 + layout.size * derivatives

    def states(self, ensemble: Ensemble, save_points: int) -> NDArray[np.float64]:
        """Return ``states[T, 2, N]``; what diverges is not finite."""
        states = np.empty((save_points, 2, ensemble.size))
        states[0] = ensemble.u0, ensemble.w0
        for point, duals in enumerate(self.advance(ensemble, save_points - 1), start=1):
            states[point] = duals[0][0], duals[1][0]
        return states

    def advance(self, ensemble: Ensemble, intervals: int) -> Iterator[tuple[Dual, Dual]]:
        """Yield u and w at one save point after the other."""
        u_scale, z_from_w, z_from_i, z_from_one = self._layout.places["units"]
        number = self._numbers
        one, i_app = np.ones(ensemble.size), ensemble.i_app
        x = self._dual(ensemble.u0 / number[u_scale])
        z = self._linear([], [], (z_from_w, z_from_i, z_from_one), (ensemble.w0, i_app, one))
        if self._derivatives:
            x[1 + u_scale] = -x[0] / number[u_scale]
        for _ in range(intervals):
            for step, stages in enumerate(self._layout.integrator.stages):
                x, z = self._step(x, z, step, stages, (one, i_app))
            u = number[u_scale] * x
            w = z - self._linear([], [], (z_from_i, z_from_one), (i_app, one))
            w /= number[z_from_w]
            if self._derivatives:
                u[1 + u_scale] += x[0]
                w[1 + z_from_w] -= w[0] / number[z_from_w]
            yield u, w

    def _step(
        self, x: Dual, z: Dual, step: int, stages: int, kept: tuple[NDArray[np.float64], ...]
    ) -> tuple[Dual, Dual]:
        cubic, linear, constant = (
            self._layout.places[f"steps.{step}.{name}"] for name in ("cubic", "linear", "constant")
        )
        values, total = [x], z
        for stage in range(stages):
            values.append(self._cubic(values[-1], cubic[stage]) + total)
            places = [*linear[stage, : stage + 1], linear[stage, -1]]
            total = self._linear([*values[: stage + 1], z], places, constant[stage], kept)
        return values[-1], total

    def _cubic(self, y: Dual, place: int) -> Dual:
        """Return ``y (k - y^2)``."""
        k = self._numbers[place]
        result: Dual = (k - 3 * y[0] ** 2) * y
        result[0] = y[0] * (k - y[0] ** 2)
        if self._derivatives:
            result[1 + place] += y[0]
        return result

    def _linear(
        self,
        duals: Sequence[Dual],
        places: Sequence[int],
        kept_places: Sequence[int],
        kept: Sequence[NDArray[np.float64]],
    ) -> Dual:
        """Return the sum of duals and of what a trajectory keeps, each times a number."""
        result = self._dual(sum(self._numbers[place] * values for place, values in zip(kept_places, kept, strict=True)))
        if self._derivatives:
            for place, values in zip(kept_places, kept, strict=True):
                result[1 + place] += values
        for place, dual in zip(places, duals, strict=True):
            result += self._numbers[place] * dual
            if self._derivatives:
                result[1 + place] += dual[0]
        return result

    def _dual(self, values: NDArray[np.float64]) -> Dual:
        dual = np.zeros((self._rows, values.size))
        dual[0] = values
        return dual
