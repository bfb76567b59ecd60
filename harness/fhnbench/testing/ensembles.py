"""Ensembles on which a conformance check can be strict."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.errors import FhnbenchError
from fhnbench.problem import VARIABLES, Ensemble

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Problem

DISPLACEMENT = 0.02
LARGEST_GAIN = 40.0
_MOST_DRAWS = 8


def calm_ensemble(problem: Problem, size: int, seed: int = 0) -> Ensemble:
    """Sample initial-value problems that lie away from the excitation threshold.

    At the threshold a sample fires or does not, and a rounding error decides: two correct contenders may differ by
    the whole amplitude there. About one sample in six is left out: those whose reference moves more than
    `LARGEST_GAIN` times as far as u0, w0 or I are moved by `DISPLACEMENT`, either way.

    Parameters
    ----------
    problem
        Ranges, horizon, save interval and model.
    size
        Number of samples.
    seed
        Seed of the generator.

    Returns
    -------
    Ensemble
        float64, representable in float32.

    Raises
    ------
    FhnbenchError
        If the model is so sensitive that almost every sample would be left out.
    """
    if not problem.varied:
        return problem.sample(size, seed=seed)
    kept: list[Ensemble] = []
    for draw in range(_MOST_DRAWS):
        drawn = problem.sample(2 * size, seed=seed * _MOST_DRAWS + draw)
        kept.append(_take(drawn, np.flatnonzero(_gain(problem, drawn) <= LARGEST_GAIN)))
        if sum(part.size for part in kept) >= size:
            return _take(_joined(kept), np.arange(size))
    raise FhnbenchError(f"problem {problem.name} is too sensitive to its initial state to check contenders on it")


def read_only(ensemble: Ensemble, dtype: Any) -> Ensemble:
    """Return the ensemble in `dtype`, through views that cannot be written to."""
    converted = ensemble.astype(dtype)
    views = {name: getattr(converted, name).view() for name in VARIABLES}
    for view in views.values():
        view.flags.writeable = False
    return Ensemble(**views, model=ensemble.model)


def permuted(ensemble: Ensemble, order: NDArray[np.intp]) -> Ensemble:
    """Return the samples in another order, in arrays that cannot be written to."""
    return read_only(_take(ensemble, order), ensemble.u0.dtype)


def _gain(problem: Problem, ensemble: Ensemble) -> NDArray[np.float64]:
    from fhnbench.reference import integrate

    coarse_dt = problem.save_interval / max(1, round(problem.save_interval / 0.1))
    there = integrate(problem, ensemble, coarse_dt)
    moved = [
        integrate(problem, dataclasses.replace(ensemble, **{name: getattr(ensemble, name) + displacement}), coarse_dt)
        for name in VARIABLES
        for displacement in (-DISPLACEMENT, DISPLACEMENT)
    ]
    change: NDArray[np.float64] = np.max([np.abs(states - there).max(axis=(0, 1)) for states in moved], axis=0)
    return change / DISPLACEMENT


def _take(ensemble: Ensemble, samples: NDArray[np.intp]) -> Ensemble:
    return Ensemble(ensemble.u0[samples], ensemble.w0[samples], ensemble.i_app[samples], ensemble.model)


def _joined(parts: list[Ensemble]) -> Ensemble:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in VARIABLES}
    return Ensemble(**arrays, model=parts[0].model)
