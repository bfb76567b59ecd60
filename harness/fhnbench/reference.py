"""The reference that errors are measured against: float64, fixed step, straight from the model's equations.

It shares no code and no algebra with the contenders, whose steps are folded and rescaled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numba import prange

from fhnbench import lanes
from fhnbench.errors import FhnbenchError
from fhnbench.evidence import ReferenceEvidence
from fhnbench.native import REGISTERS, jit, use_threads
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem

Method = Literal["rk4", "euler"]

_REGISTERS = REGISTERS // 8
"""Vector registers of one value; more would not leave room for the slopes of the stages."""

_GROUP = lanes.count(np.float64, _REGISTERS)
"""Samples that advance together."""

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
    states = np.empty((problem.save_points, 2, ensemble.size))
    for samples in _chunks(ensemble.size, progress):
        states[:, :, samples] = _solve(problem, ensemble[samples], dt, method)
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
    states = np.empty((problem.save_points, 2, ensemble.size))
    total = largest = 0.0
    for samples in _chunks(ensemble.size, progress):
        fine = _solve(problem, ensemble[samples], dt, "rk4")
        change = np.abs(fine - _solve(problem, ensemble[samples], 2 * dt, "rk4"))
        states[:, :, samples] = fine
        total += float(change.sum())
        largest = max(largest, float(change.max()))
    return states, ReferenceEvidence("rk4", dt, total / states.size, largest)


def _chunks(size: int, progress: Callable[[float], None] | None) -> Iterator[slice]:
    for start in range(0, size, _CHUNK):
        stop = min(size, start + _CHUNK)
        yield slice(start, stop)
        if progress is not None:
            progress(stop / size)


def _solve(problem: Problem, ensemble: Ensemble, dt: float, method: Method) -> NDArray[np.float64]:
    """Integrate a chunk of samples: ``states[T, 2, N]``, a view."""
    if method not in get_args(Method):
        raise FhnbenchError(f"no reference method {method!r}; there are {', '.join(get_args(Method))}")
    substeps = Workload.of(problem, ensemble.size, "float64").substeps(dt)
    size, model = ensemble.size, ensemble.model
    inputs = np.zeros((3, -(-size // _GROUP) * _GROUP))
    inputs[:, :size] = ensemble.u0, ensemble.w0, ensemble.i_app
    states = np.empty((problem.save_points, *inputs[:2].shape))
    equations = model.a, model.b, model.c, 1 / model.tau
    use_threads()
    _integrate(
        (inputs[0], inputs[1], inputs[2]),
        states.reshape(-1),
        equations,
        (problem.save_interval / substeps, substeps),
        method == "rk4",
    )
    if not np.isfinite(states[-1, :, :size]).all():
        raise Diverged(f"{method} with dt={dt:g} leaves the range of float64 for {model}; use a smaller step")
    return states[:, :, :size]


@jit(parallel=True)
def _integrate(inputs: Any, states: Any, equations: Any, step: Any, fourth_order: bool) -> None:
    """Integrate whole groups of samples, from the inputs to flat ``states[T * 2 * N]``."""
    for group in prange(inputs[0].size // _GROUP):
        h, substeps = step
        start = group * _GROUP
        u = lanes.load(inputs[0], start, _REGISTERS)
        w = lanes.load(inputs[1], start, _REGISTERS)
        i_app = lanes.load(inputs[2], start, _REGISTERS)
        lanes.store(states, start, u)
        lanes.store(states, start + inputs[0].size, w)
        for row in range(start + 2 * inputs[0].size, states.size, 2 * inputs[0].size):
            if fourth_order:
                for _ in range(substeps):
                    u, w = _rk4_step(u, w, i_app, equations, h)
            else:
                for _ in range(substeps):
                    u, w = _euler_step(u, w, i_app, equations, h)
            lanes.store(states, row, u)
            lanes.store(states, row + inputs[0].size, w)


@jit()
def _rk4_step(u: Any, w: Any, i_app: Any, equations: Any, h: float) -> Any:
    u1, w1 = _derivative(u, w, i_app, equations)
    u2, w2 = _derivative(u + h / 2 * u1, w + h / 2 * w1, i_app, equations)
    u3, w3 = _derivative(u + h / 2 * u2, w + h / 2 * w2, i_app, equations)
    u4, w4 = _derivative(u + h * u3, w + h * w3, i_app, equations)
    return u + h / 6 * (u1 + 2 * u2 + 2 * u3 + u4), w + h / 6 * (w1 + 2 * w2 + 2 * w3 + w4)


@jit()
def _euler_step(u: Any, w: Any, i_app: Any, equations: Any, h: float) -> Any:
    u1, w1 = _derivative(u, w, i_app, equations)
    return u + h * u1, w + h * w1


@jit()
def _derivative(u: Any, w: Any, i_app: Any, equations: Any) -> Any:
    # Divisions would take most of the time: those by 3 and by tau are multiplications by the reciprocals.
    a, b, c, rate = equations
    return c * (u - u * u * u * (1 / 3) - w) + i_app, (u + a - b * w) * rate
