"""The statistics of a contender's times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fhnbench.results.record import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 2000
MINIMUM_SAMPLES = 5


def median_interval(samples: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the median and its bootstrap percentile interval.

    Parameters
    ----------
    samples
        Times in seconds, at least one.
    confidence
        Coverage of the interval.

    Returns
    -------
    Interval
        The same samples give the same interval: the resampling is seeded.
    """
    values = np.asarray(samples, dtype=np.float64)
    picks = np.random.default_rng(0).integers(0, values.size, (RESAMPLES, values.size))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.median(values[picks], axis=1), [tail, 1 - tail])
    return Interval(float(np.median(values)), float(low), float(high), tuple(float(value) for value in values))


def is_converged(interval: Interval, tolerance: float = 0.01) -> bool:
    """Return whether both ends of an interval lie within `tolerance` of the median, on enough samples."""
    if len(interval.samples) < MINIMUM_SAMPLES:
        return False
    slack = tolerance * interval.median_s
    return interval.high_s - interval.median_s <= slack and interval.median_s - interval.low_s <= slack


def is_stationary(durations: Sequence[float], window: int = 3, tolerance: float = 0.02) -> bool:
    """Return whether warm-up is over: the medians of the last two windows agree within `tolerance`."""
    if len(durations) < 2 * window:
        return False
    earlier, latest = np.median(durations[-2 * window : -window]), np.median(durations[-window:])
    return bool(abs(latest - earlier) <= tolerance * earlier)
