"""The reference that errors are measured against: float64, fixed step, straight from the model's equations.

It shares no code and no algebra with the contenders, whose steps are folded and rescaled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numba import prange

from fhnbench.errors import FhnbenchError
from fhnbench.evidence import ReferenceEvidence
from fhnbench.native import jit
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem

Method = Literal["rk4", "euler"]

_BLOCK = 128
"""Samples that advance together; their state stays in the first-level cache."""

_CHUNK = 8192
"""Samples between two reports of progress."""


class Diverged(FhnbenchError):
    """The solution left the range of float64: the step is too large for the model."""


def integrate(
    problem: Problem,
    ensemble: Ensemble,
    dt: float,
    method: Method = "rk4",
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float64]:
    """Integrate an ensemble in float64 with a fixed step.

    Parameters
    ----------
    problem
        Gives the horizon and the save interval.
    ensemble
        Initial-value problems; it is their model that is integrated.
    dt
        Step in time units; it divides the save interval.
    method
        ``rk4`` (the classical fourth-order Runge-Kutta method) or ``euler``.
    progress
        Called now and then with the fraction done.

    Returns
    -------
    ndarray
        ``states[T, 2, N]``, float64; the first save point is the initial state.

    Raises
    ------
    Refused
        If `dt` does not divide the save interval.
    FhnbenchError
        If there is no such method.
    Diverged
        If the solution leaves the range of float64.
    """
    integrator = _Integrator(problem, ensemble, method)
    states = np.empty((problem.save_points, 2, ensemble.size))
    for start, stop in _chunks(ensemble.size, progress):
        integrator.fill(states, start, stop, dt, offset=start)
    return states


def reference_trajectories(
    problem: Problem,
    ensemble: Ensemble,
    dt: float = 0.005,
    progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.float64], ReferenceEvidence]:
    """Integrate an ensemble with RK4, and again with twice the step to show that the result has converged.

    Parameters
    ----------
    problem, ensemble, progress
        As for `integrate`.
    dt
        Step of the returned states, in time units; ``2 dt`` divides the save interval.

    Returns
    -------
    states : ndarray
        ``states[T, 2, N]``, float64, computed with `dt`.
    evidence : ReferenceEvidence
        How much halving the step to `dt` changed them.

    Raises
    ------
    Refused
        If ``2 dt`` does not divide the save interval.
    Diverged
        If the solution leaves the range of float64.
    """
    integrator = _Integrator(problem, ensemble, "rk4")
    states = np.empty((problem.save_points, 2, ensemble.size))
    coarse = np.empty((problem.save_points, 2, min(_CHUNK, ensemble.size)))
    total = largest = 0.0
    for start, stop in _chunks(ensemble.size, progress):
        integrator.fill(states, start, stop, dt, offset=start)
        integrator.fill(coarse, start, stop, 2 * dt, offset=0)
        change = np.abs(states[:, :, start:stop] - coarse[:, :, : stop - start])
        total += float(change.sum())
        largest = max(largest, float(change.max()))
    return states, ReferenceEvidence("rk4", dt, total / states.size, largest)


def _chunks(size: int, progress: Callable[[float], None] | None) -> Iterator[tuple[int, int]]:
    for start in range(0, size, _CHUNK):
        stop = min(size, start + _CHUNK)
        yield start, stop
        if progress is not None:
            progress(stop / size)


class _Integrator:
    """An ensemble and a method, ready to fill parts of an array of trajectories."""

    def __init__(self, problem: Problem, ensemble: Ensemble, method: Method) -> None:
        if method not in get_args(Method):
            raise FhnbenchError(f"no reference method {method!r}; there are {', '.join(get_args(Method))}")
        self._workload = Workload.of(problem, ensemble.size, "float64")
        self._ensemble = ensemble.astype(np.float64)
        self._method = method

    def fill(self, states: NDArray[np.float64], start: int, stop: int, dt: float, offset: int) -> None:
        """Integrate samples ``start:stop`` into ``states[:, :, offset:]``."""
        substeps = self._workload.substeps(dt)
        part, model = self._ensemble[start:stop], self._ensemble.model
        _integrate(
            (part.u0, part.w0, part.i_app),
            states,
            offset,
            (model.a, model.b, model.c, model.tau),
            self._workload.save_interval / substeps,
            substeps,
            self._method == "rk4",
        )
        if not np.isfinite(states[-1, :, offset : offset + part.size]).all():
            raise Diverged(f"{self._method} with dt={dt:g} leaves the range of float64 for {model}; use a smaller step")


@jit(parallel=True)
def _integrate(
    inputs: Any, states: Any, offset: int, parameters: Any, h: float, substeps: int, fourth_order: bool
) -> None:
    u0, w0, i_app = inputs
    for block in prange((u0.size + _BLOCK - 1) // _BLOCK):
        start = block * _BLOCK
        stop = min(u0.size, start + _BLOCK)
        problems = u0[start:stop].copy(), w0[start:stop].copy(), i_app[start:stop]
        _integrate_block(problems, states, offset + start, parameters, h, substeps, fourth_order)


@jit()
def _integrate_block(
    problems: Any, states: Any, offset: int, parameters: Any, h: float, substeps: int, fourth_order: bool
) -> None:
    u, w, i_app = problems
    stop = offset + u.size
    states[0, 0, offset:stop] = u
    states[0, 1, offset:stop] = w
    for point in range(1, states.shape[0]):
        for _ in range(substeps):
            if fourth_order:
                _rk4_step(u, w, i_app, parameters, h)
            else:
                _euler_step(u, w, i_app, parameters, h)
        states[point, 0, offset:stop] = u
        states[point, 1, offset:stop] = w


@jit()
def _rk4_step(u: Any, w: Any, i_app: Any, parameters: Any, h: float) -> None:
    for n in range(u.size):
        u1, w1 = _derivative(u[n], w[n], i_app[n], parameters)
        u2, w2 = _derivative(u[n] + h / 2 * u1, w[n] + h / 2 * w1, i_app[n], parameters)
        u3, w3 = _derivative(u[n] + h / 2 * u2, w[n] + h / 2 * w2, i_app[n], parameters)
        u4, w4 = _derivative(u[n] + h * u3, w[n] + h * w3, i_app[n], parameters)
        u[n] += h / 6 * (u1 + 2 * u2 + 2 * u3 + u4)
        w[n] += h / 6 * (w1 + 2 * w2 + 2 * w3 + w4)


@jit()
def _euler_step(u: Any, w: Any, i_app: Any, parameters: Any, h: float) -> None:
    for n in range(u.size):
        u1, w1 = _derivative(u[n], w[n], i_app[n], parameters)
        u[n] += h * u1
        w[n] += h * w1


@jit()
def _derivative(u: Any, w: Any, i_app: Any, parameters: Any) -> Any:
    a, b, c, tau = parameters
    # Divisions would take most of the time: the constant reciprocals are correctly rounded, which suffices.
    return c * (u - u * u * u * (1 / 3) - w) + i_app, (u + a - b * w) * (1 / tau)
