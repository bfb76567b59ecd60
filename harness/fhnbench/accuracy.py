"""How far trajectories are from the reference: errors of the states, and errors of the spike times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.error_profile import ErrorProfile
from fhnbench.trajectories import InvalidTrajectories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SPIKE_THRESHOLD = 1.0
"""A spike is an upward crossing of this membrane potential: the right knee of the cubic nullcline.

Beyond it lies the excited branch, whatever a, b, c and tau are; oscillations that stay below it are no spikes.
"""

# Errors of one block (512 kB) stay in a core's cache while they are summed and sorted.
_BLOCK = 65536


class Accuracy(msgspec.Struct, frozen=True):
    """Errors of trajectories against the reference.

    Near the excitation threshold a sample fires or does not, so the maximum is of the order of the amplitude for
    every cheap method: read it together with the other figures.

    Parameters
    ----------
    mae, rmse, p999, max
        Mean, root mean square, 99.9th percentile and maximum of the absolute error over u and w, all samples and all
        save points, the initial state included (whose error is zero).
    spike_time_mae
        Mean absolute error of the spike times, in time units; None if there are none to compare. In a sample that
        spikes as often as the reference, the k-th spike is compared with the k-th; in any other sample it is not known
        which one is missing, so its spikes count below and not here.
    spikes
        Number of spikes in the reference.
    mae_low, mae_high
        95% interval of `mae` over the samples: where that of other ensembles would lie. None if not computed.
    missed_spikes, extra_spikes
        By how many spikes samples fall short of the reference, or exceed it, added up over such samples.
    profile
        Where the errors lie, in the record of a run.
    """

    mae: float
    rmse: float
    p999: float
    max: float
    spike_time_mae: float | None
    spikes: int
    missed_spikes: int
    extra_spikes: int
    profile: ErrorProfile | None = None
    mae_low: float | None = None
    mae_high: float | None = None


def measure_accuracy(
    states: NDArray[np.float32 | np.float64], reference: NDArray[np.float64], times: NDArray[np.float64]
) -> Accuracy:
    """Compare trajectories with the reference.

    Errors are computed in float64, a block at a time: memory for all of them is never allocated.

    Parameters
    ----------
    states
        Trajectories ``[T, 2, N]``, float32 or float64.
    reference
        The reference of the same samples at the same save points, float64 ``[T, 2, N]``.
    times
        Times of the save points, ``[T]``.

    Returns
    -------
    Accuracy

    Raises
    ------
    InvalidTrajectories
        If shapes differ, or a value is not finite or so large that its square overflows; the message names the place.
    """
    if states.shape != reference.shape or states.shape[:2] != (len(times), 2) or states.size == 0:
        raise InvalidTrajectories(
            f"trajectories of shape {states.shape} do not fit a reference of shape {reference.shape} "
            f"and {len(times)} save points"
        )
    total = squares = 0.0
    of_samples = np.zeros(states.shape[2])
    largest = _Largest(reference.size, 0.999)
    with np.errstate(over="ignore", invalid="ignore"):  # told with the place, below
        for place, error in _absolute_errors(states, reference):
            square = float(np.einsum("i,i", error, error))  # not BLAS, whose threads would spin
            if not math.isfinite(square):
                raise _too_far(states, reference, place, error)
            total += float(error.sum())
            of_samples[place[2] : place[2] + error.size] += error
            squares += square
            largest.add(error)
    low, high = _mean_interval(of_samples / (2 * len(times)))
    time_mae, spikes, missed, extra = _compare_spikes(states[:, 0], reference[:, 0], times)
    return Accuracy(
        mae=total / reference.size,
        rmse=math.sqrt(squares / reference.size),
        p999=largest.quantile(),
        max=largest.maximum(),
        spike_time_mae=time_mae,
        spikes=spikes,
        missed_spikes=missed,
        extra_spikes=extra,
        mae_low=low,
        mae_high=high,
    )


def _mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95% interval of the mean of independent positive values, normal in its logarithm."""
    mean = float(values.mean())
    if not mean:
        return 0.0, 0.0
    factor = math.exp(1.96 * float(values.std()) / (mean * math.sqrt(values.size)))
    return mean / factor, mean * factor


def _too_far(
    states: NDArray[Any], reference: NDArray[np.float64], place: tuple[int, int, int], error: NDArray[np.float64]
) -> InvalidTrajectories:
    point, variable, start = place
    sample = start + int(np.argmax(~(error < 1e150)))
    return InvalidTrajectories(
        f"{'uw'[variable]} is {states[point, variable, sample]} at save point {point}, sample {sample}, "
        f"where the reference has {reference[point, variable, sample]}"
    )


def _absolute_errors(
    states: NDArray[Any], reference: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, int, int], NDArray[np.float64]]]:
    """Yield (save point, variable, first sample) and the absolute errors of a block, in a buffer that is reused."""
    points, variables, size = states.shape
    buffer = np.empty(min(size, _BLOCK))
    for point in range(points):
        for variable in range(variables):
            for start in range(0, size, _BLOCK):
                samples = slice(start, start + _BLOCK)
                error = buffer[: min(_BLOCK, size - start)]
                np.subtract(states[point, variable, samples], reference[point, variable, samples], out=error)
                yield (point, variable, start), np.abs(error, out=error)


class _Largest:
    """The largest of `count` values that arrive in blocks: as many as an upper quantile needs, and no more."""

    def __init__(self, count: int, quantile: float) -> None:
        # NumPy's definition: linear between the values of rank floor(p) and floor(p) + 1, where p = q (count - 1).
        position = quantile * (count - 1)
        self._keep = count - math.floor(position)
        self._fraction = position - math.floor(position)
        self._values = np.empty(0)
        self._smallest = -1.0

    def add(self, values: NDArray[np.float64]) -> None:
        self._values = np.concatenate([self._values, values[values > self._smallest]])
        if self._values.size > self._keep:
            self._values = np.partition(self._values, -self._keep)[-self._keep :]
            self._smallest = float(self._values[0])

    def quantile(self) -> float:
        lower, upper = np.sort(self._values)[[0, min(1, self._keep - 1)]]
        return float(lower + self._fraction * (upper - lower))

    def maximum(self) -> float:
        return float(self._values.max())


def spike_times(u: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return when each sample crosses `SPIKE_THRESHOLD` upwards, linear between save points.

    Parameters
    ----------
    u
        Membrane potentials ``[T, N]``.
    times
        Times of the save points, ``[T]``.

    Returns
    -------
    ndarray
        float64 ``[K, N]``, K the largest number of spikes of a sample; NaN where a sample has fewer.
    """
    rows: list[NDArray[np.float64]] = []
    counts = np.zeros(u.shape[1], np.intp)
    below = u[0] < SPIKE_THRESHOLD
    for point in range(1, len(times)):
        still_below = u[point] < SPIKE_THRESHOLD
        samples = np.flatnonzero(below & ~still_below)
        before = u[point - 1, samples].astype(np.float64)
        fraction = (SPIKE_THRESHOLD - before) / (u[point, samples] - before)
        when = times[point - 1] + fraction * (times[point] - times[point - 1])
        for ordinal in np.unique(counts[samples]):
            if ordinal == len(rows):
                rows.append(np.full(u.shape[1], np.nan))
            these = counts[samples] == ordinal
            rows[ordinal][samples[these]] = when[these]
        counts[samples] += 1
        below = still_below
    return np.array(rows).reshape(len(rows), u.shape[1])


def _compare_spikes(
    u: NDArray[Any], reference: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[float | None, int, int, int]:
    """Return the mean error of spike times, and the numbers of spikes in the reference, missed and extra."""
    found, expected = spike_times(u, times), spike_times(reference, times)
    surplus = np.isfinite(found).sum(axis=0) - np.isfinite(expected).sum(axis=0)
    both = min(len(found), len(expected))
    difference = np.abs(found[:both] - expected[:both])[:, surplus == 0]
    compared = int(np.isfinite(difference).sum())
    return (
        float(np.nansum(difference)) / compared if compared else None,
        int(np.isfinite(expected).sum()),
        int(-surplus[surplus < 0].sum()),
        int(surplus[surplus > 0].sum()),
    )
