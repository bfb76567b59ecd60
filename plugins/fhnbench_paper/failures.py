"""The ways in which a rollout fails (Werneck et al., section 3): a temporal shift, or a false equilibrium."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench import spike_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 0.05
"""A rollout fails if its MAE over u, w and all save points is above this, about 1% of what u spans."""

BOUND = 10.0
"""A rollout has diverged if u or w exceeds this, five times the amplitude of the solution."""

REST_TIME, REST_RANGE, REST_ERROR = 10.0, 0.1, 0.5
"""A rollout is in a false equilibrium if over this last stretch of time neither u nor w moves by more than the second
figure, although one of them is off by more than the third at some time."""

ALIGNED, OVERLAP = 0.5, 0.5
"""Moved in time by its shift, a shifted rollout has less than this part of its error left, over at least this part of
all times."""

RULE = (
    f"a rollout fails if its MAE is above {TOLERANCE:g}; a failure has diverged if a value is not finite or exceeds "
    f"{BOUND:g}; else it is an equilibrium (mode II) if over the last {REST_TIME:g} time units neither u nor w moves "
    f"by more than {REST_RANGE:g} although one is off by more than {REST_ERROR:g}; else it is a shift (mode I) if its "
    f"error falls below {ALIGNED:.0%}, over at least {OVERLAP:.0%} of all times, once it is moved in time by what its "
    f"spikes and repolarisations are late against the same ones of the reference (linear between them, from none at "
    f"the start); else it is another failure"
)


class Kind(IntEnum):
    """What a rollout is."""

    ACCURATE = 0
    SHIFT = 1
    EQUILIBRIUM = 2
    DIVERGED = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Classified:
    """Rollouts by `RULE`.

    Parameters
    ----------
    kinds
        `Kind` of each sample, ``[N]``.
    shifts
        By how much each sample is late (positive) or early in time units, at the last spike or repolarisation that it
        shares with the reference; NaN where there is none, float64 ``[N]``.
    first_shifts
        The same at the first of them.
    errors
        MAE of each sample, infinite where it diverged, float64 ``[N]``.
    """

    kinds: NDArray[np.int8]
    shifts: NDArray[np.float64]
    first_shifts: NDArray[np.float64]
    errors: NDArray[np.float64]

    def share(self, kind: Kind) -> float:
        """Return the share of samples of a kind."""
        return float((self.kinds == kind).mean())


def classify(states: NDArray[Any], reference: NDArray[np.float64], times: NDArray[np.float64]) -> Classified:
    """Classify rollouts.

    Parameters
    ----------
    states
        Rollouts ``[T, 2, N]``; they may hold values that are not finite.
    reference
        The reference of the same samples, ``[T, 2, N]``.
    times
        Evenly spaced times of the save points, ``[T]``.
    """
    diverged = ~(np.abs(states) <= BOUND).all(axis=(0, 1))
    states = np.where(diverged, reference, states)
    difference = np.abs(states - reference)
    errors = difference.mean(axis=(0, 1))

    last = times >= times[-1] - REST_TIME
    at_rest = (np.ptp(states[last], axis=0) <= REST_RANGE).all(axis=0)
    at_rest &= difference[last].max(axis=(0, 1)) > REST_ERROR

    moments, late = _shared_events(states[:, 0], reference[:, 0], times)
    aligned = _moved_error(states, reference, times, _delays(moments, late, times)) < ALIGNED
    kinds = np.select(
        [diverged, errors <= TOLERANCE, at_rest, aligned],
        [Kind.DIVERGED, Kind.ACCURATE, Kind.EQUILIBRIUM, Kind.SHIFT],
        Kind.OTHER,
    )
    samples = np.arange(len(errors))
    count = np.isfinite(moments).sum(axis=0)
    first, final = (np.where(diverged, np.nan, late[row, samples]) for row in (0, np.maximum(count - 1, 0)))
    return Classified(kinds.astype(np.int8), final, first, np.where(diverged, np.inf, errors))


def _shared_events(
    u: NDArray[Any], reference: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the events that a sample shares with the reference occur there, in order, and how late they are.

    The k-th spike is shared with the k-th, the k-th repolarisation with the k-th. Both arrays are ``[K, N]``, with at
    least one row and NaN where a sample shares fewer events.
    """
    missing = np.full((1, u.shape[1]), np.nan)
    moments, late = [missing], [missing]
    for sign in (1, -1):  # a repolarisation passes the same threshold, mirrored
        found, expected = spike_times(sign * u, times), spike_times(sign * reference, times)
        both = min(len(found), len(expected))
        late.append(found[:both] - expected[:both])
        moments.append(np.where(np.isnan(late[-1]), np.nan, expected[:both]))
    when = np.concatenate(moments)
    order = np.argsort(when, axis=0)  # NaN come last
    return np.take_along_axis(when, order, axis=0), np.take_along_axis(np.concatenate(late), order, axis=0)


def _delays(moments: NDArray[np.float64], late: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how late each sample is at each time, ``[T, N]``; NaN for a sample that shares no event."""
    delays = np.where(np.isnan(late[0]), np.nan, np.zeros((len(times), late.shape[1])))
    start, start_late = np.zeros(late.shape[1]), np.zeros(late.shape[1])
    for moment, end_late in zip(moments, late, strict=True):
        known = np.isfinite(moment)
        fraction = np.clip((times[:, None] - start) / np.maximum(moment - start, 1e-9), 0, 1)
        after = known & (times[:, None] > start)
        delays = np.where(after, start_late + fraction * (end_late - start_late), delays)
        start, start_late = np.where(known, moment, start), np.where(known, end_late, start_late)
    return delays


def _moved_error(
    states: NDArray[Any], reference: NDArray[np.float64], times: NDArray[np.float64], delays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the error of each rollout moved by its delays over its error unmoved, where both are known.

    It is infinite for samples without delays, or for which too few times are left to compare.
    """
    points = len(times)
    at = np.arange(points)[:, None] + np.nan_to_num(delays) / (times[1] - times[0])
    inside = (at >= 0) & (at <= points - 1)
    before = np.clip(np.floor(at).astype(np.intp), 0, points - 2)
    moved, unmoved = np.zeros(at.shape), np.zeros(at.shape)
    for values, expected in ((states[:, variable], reference[:, variable]) for variable in (0, 1)):
        low, high = (np.take_along_axis(values, before + step, axis=0) for step in (0, 1))
        moved += np.abs(low + (at - before) * (high - low) - expected)
        unmoved += np.abs(values - expected)
    moved, unmoved = (np.where(inside, error, 0.0).sum(axis=0) for error in (moved, unmoved))
    known = np.isfinite(delays[-1]) & (unmoved > 0) & (inside.mean(axis=0) >= OVERLAP)
    ratio = np.full(len(unmoved), np.inf)
    np.divide(moved, unmoved, out=ratio, where=known)
    return ratio
