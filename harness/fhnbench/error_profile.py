"""Where trajectories are far from the reference: at which times, for which initial states and currents."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem, Range

BINS = 10
"""Equal bins of a range: a hundred cells over two ranges still hold a thousand of 100,000 samples each."""

_QUANTILE = 99.9
_DIGITS = 4


class ErrorStatistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mean and 99.9th percentile of the absolute error over u and w, to four digits; None in a bin without samples."""

    mae: tuple[float | None, ...]
    p999: tuple[float | None, ...]


class ErrorProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the errors of trajectories lie.

    Parameters
    ----------
    time
        One value for each save point.
    initial_state
        One value for each of `BINS` x `BINS` equal cells of (u0, w0) over the problem's ranges, w0 running fastest;
        None if the initial state is fixed.
    current
        One value for each of `BINS` equal bins of the applied current; None if it is fixed.
    """

    time: ErrorStatistics
    initial_state: ErrorStatistics | None = None
    current: ErrorStatistics | None = None


def error_profile(
    states: NDArray[Any], reference: NDArray[np.float64], ensemble: Ensemble, problem: Problem
) -> ErrorProfile:
    """Return where trajectories are far from the reference.

    Differences are taken in float64 and kept in float32, which holds more digits than are asked for.

    Parameters
    ----------
    states, reference
        Trajectories ``[T, 2, N]``, finite, and the reference of the same samples.
    ensemble
        The samples.
    problem
        Gives the ranges that are divided into bins; a sample outside them counts in the nearest bin.

    Returns
    -------
    ErrorProfile
    """
    error = np.empty(reference.shape, np.float32)
    for point in range(len(reference)):
        error[point] = np.abs(states[point] - reference[point])
    time = _statistics(error)
    initial_state = current = None
    if _varies(problem.u0) and _varies(problem.w0):
        cell = BINS * _bins(ensemble.u0, problem.u0) + _bins(ensemble.w0, problem.w0)
        initial_state = _binned(error, cell, BINS * BINS)
    if _varies(problem.i_app):
        current = _binned(error, _bins(ensemble.i_app, problem.i_app), BINS)
    return ErrorProfile(time, initial_state, current)


def _varies(range_: Range) -> bool:
    return range_[0] < range_[1]


def _bins(values: NDArray[Any], range_: Range) -> NDArray[np.intp]:
    low, high = range_
    position = (values.astype(np.float64) - low) / (high - low) * BINS
    return np.clip(position, 0, BINS - 1).astype(np.intp)


def _binned(error: NDArray[np.float32], bins: NDArray[np.intp], count: int) -> ErrorStatistics:
    order = np.argsort(bins, kind="stable")
    ends = np.searchsorted(bins[order], np.arange(count + 1))
    error = error[:, :, order]
    return _statistics(error[:, :, start:end] for start, end in itertools.pairwise(ends))


def _statistics(groups: Iterable[NDArray[np.float32]]) -> ErrorStatistics:
    found = [
        (_rounded(group.mean(dtype=np.float64)), _rounded(np.percentile(group, _QUANTILE)))
        if group.size
        else (None, None)
        for group in groups
    ]
    mae, p999 = zip(*found, strict=True)
    return ErrorStatistics(mae, p999)


def _rounded(value: Any) -> float:
    return float(f"{value:.{_DIGITS - 1}e}")
