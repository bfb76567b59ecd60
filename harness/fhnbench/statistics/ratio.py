"""The ratio of two contenders' times, with what processes and rounds do to it.

Times vary from round to round, and from process to process (where memory lies, which core a thread was given): the
rounds of one process never tell how much the next one differs. So the bootstrap has two stages, processes and the
rounds in each. The ratio of two contenders that were measured in one run is the median of the rounds' ratios, so that
what slowed down both drops out; of others it is the ratio of medians. Over processes it is the geometric mean.

Drawing twice counts the spread of rounds twice, and few processes are drawn less widely than they vary. Both are put
right by shrinking the processes' estimates towards their mean before they are drawn [1]_ [2]_. Rounds are drawn in
blocks, since a disturbance lasts longer than one round [3]_. The interval is the estimate and so many bootstrap
standard errors, on the log scale, as Student's distribution says for the number of processes [4]_.

References
----------
.. [1] Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
.. [2] Ng, Grieve and Carpenter, Two-stage nonparametric bootstrap sampling with shrinkage correction for clustered
   data, Stata Journal 13 (2013).
.. [3] Politis and Romano, A circular block-resampling procedure for stationary data (1992).
.. [4] Hesterberg, What teachers should know about the bootstrap, The American Statistician 69 (2015).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Times = Mapping[str, Mapping[int, float]]
"""A contender's times in seconds by session and round. Each session had a process of its own for the contender; rounds
of equal number in sessions of equal name were measured one after the other."""

RESAMPLES = 2000
FEWEST_ROUNDS = 5
"""With a single process, fewer rounds than these say nothing about their spread."""

_SMALLEST_ERROR = 1e-9
_LARGEST_LOG = 700.0  # whose exponential is a float


class Ratio(msgspec.Struct, frozen=True):
    """A ratio of times, candidate over base: above 1 is slower.

    Parameters
    ----------
    value, low, high
        The ratio and its 95% interval.
    log_error
        Standard error of the ratio's logarithm; infinite where there are too few rounds to tell.
    freedom
        Degrees of freedom of Student's distribution that the error follows.
    processes
        Processes of the base and of the candidate. With one of either, the interval does not hold what differs from
        process to process.
    rounds
        Rounds of all processes, of the contender that has fewer.
    paired
        Whether both were measured in the same rounds.
    """

    value: float
    low: float
    high: float
    log_error: float
    freedom: float
    processes: tuple[int, int]
    rounds: int
    paired: bool

    @property
    def single(self) -> bool:
        """Whether either contender had a single process."""
        return min(self.processes) < 2

    def power(self, delay: float, alpha: float = 0.05) -> float:
        """Return the probability that such a comparison finds a relative delay, at level `alpha` (two-sided)."""
        from scipy.special import stdtr

        surplus = math.log1p(delay) / self.log_error - _student(self.freedom, 1 - alpha / 2)
        return float(stdtr(self.freedom, surplus))

    def detectable(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """Return the relative slow-down that such a comparison finds with a given power."""
        distances = _student(self.freedom, 1 - alpha / 2) + _student(self.freedom, power)
        return math.expm1(min(distances * self.log_error, _LARGEST_LOG))


def time_ratio(base: Times, candidate: Times, *, confidence: float = 0.95, resamples: int = RESAMPLES) -> Ratio:
    """Return the ratio of times, candidate over base, with its interval by the hierarchical bootstrap.

    Parameters
    ----------
    base, candidate
        At least one session each, with at least one round. Where they have sessions and rounds in common, these are
        paired and the others left out.
    confidence
        Coverage of the interval.
    resamples
        Draws of the bootstrap, which is seeded: the same times give the same interval.

    Returns
    -------
    Ratio
    """
    generator = np.random.default_rng(0)
    shared = [name for name in base if name in candidate and base[name].keys() & candidate[name].keys()]
    if shared:
        units = [_paired_unit(base[name], candidate[name], generator, resamples) for name in shared]
        mean = _mean_of(units, generator)
        rounds = sum(unit.rounds for unit in units)
    else:
        below, above = (
            [_single_unit(worker, generator, resamples) for worker in times.values()] for times in (base, candidate)
        )
        mean = _mean_of(above, generator).minus(_mean_of(below, generator))
        rounds = min(sum(unit.rounds for unit in units) for units in (below, above))
    slack = _student(mean.freedom, (1 + confidence) / 2) * mean.error
    return Ratio(
        value=math.exp(mean.value),
        low=math.exp(mean.value - slack),
        high=math.exp(min(mean.value + slack, _LARGEST_LOG)),
        log_error=mean.error,
        freedom=mean.freedom,
        processes=(len(shared), len(shared)) if shared else (len(base), len(candidate)),
        rounds=rounds,
        paired=bool(shared),
    )


@dataclass(frozen=True)
class _Unit:
    """What one process (or a pair) says: its estimate, how resampled rounds deviate from it, how many there were."""

    value: float
    deviations: NDArray[np.float64]
    rounds: int


@dataclass(frozen=True)
class _Mean:
    """The mean over processes with its standard error."""

    value: float
    error: float
    freedom: float

    def minus(self, other: _Mean) -> _Mean:
        """Return the difference of independent means; its degrees of freedom are Welch's."""
        error = math.hypot(self.error, other.error)
        parts = [((mean.error / error) ** 4 / mean.freedom) for mean in (self, other)] if math.isfinite(error) else [1]
        return _Mean(self.value - other.value, error, 1 / max(sum(parts), 1e-9))


def _paired_unit(
    base: Mapping[int, float], candidate: Mapping[int, float], generator: np.random.Generator, resamples: int
) -> _Unit:
    rounds = sorted(base.keys() & candidate.keys())
    return _unit(np.log([candidate[number] / base[number] for number in rounds]), generator, resamples)


def _single_unit(times: Mapping[int, float], generator: np.random.Generator, resamples: int) -> _Unit:
    return _unit(np.log([times[number] for number in sorted(times)]), generator, resamples)


def _unit(logs: NDArray[np.float64], generator: np.random.Generator, resamples: int) -> _Unit:
    value = float(np.median(logs))
    return _Unit(value, np.median(logs[_blocks(logs.size, generator, resamples)], axis=1) - value, logs.size)


def _blocks(size: int, generator: np.random.Generator, resamples: int) -> NDArray[np.intp]:
    """Return `resamples` rows of `size` positions, drawn in circular blocks of the cube root of `size`."""
    length = max(1, round(size ** (1 / 3)))
    starts = generator.integers(0, size, (resamples, math.ceil(size / length)))
    positions: NDArray[np.intp] = (starts[:, :, None] + np.arange(length)).reshape(resamples, -1)[:, :size] % size
    return positions


def _mean_of(units: Sequence[_Unit], generator: np.random.Generator) -> _Mean:
    """Return the mean over processes: draw processes, shrunk towards their mean, and rounds in each."""
    values = np.array([unit.value for unit in units])
    deviations = np.stack([unit.deviations for unit in units])
    count, resamples = deviations.shape
    within = float(np.mean(_spread(deviations) ** 2))
    rounds = sum(unit.rounds for unit in units)
    if count == 1:
        error = math.sqrt(within) if rounds >= FEWEST_ROUNDS else math.inf
        return _Mean(float(values[0]), max(error, _SMALLEST_ERROR), max(1, rounds - 1))
    between = float(values.var(ddof=1)) - within  # of the processes themselves, without their rounds
    shrunk = np.zeros(count)
    if between > 0:
        shrunk = (values - values.mean()) * math.sqrt(between / (between + within) * count / (count - 1))
    chosen = generator.integers(0, count, (resamples, count))
    drawn = deviations[chosen, generator.integers(0, resamples, (resamples, count))]
    error = float(_spread((shrunk[chosen] + drawn).mean(axis=1)))
    return _Mean(float(values.mean()), max(error, _SMALLEST_ERROR), count - 1 if between > 0 else rounds - count or 1)


def _spread(draws: NDArray[np.float64]) -> Any:
    """Return half the width of the central 68% of draws, along the last axis.

    It is the standard deviation of a normal distribution; that of the draws themselves hangs on the few in which
    disturbed rounds are in the majority.
    """
    low, high = np.quantile(draws, [0.1587, 0.8413], axis=-1)
    return (high - low) / 2


def _student(freedom: float, probability: float) -> float:
    from scipy.special import stdtrit  # not scipy.stats, which takes a second to import

    quantile: Any = stdtrit(freedom, probability)
    return float(quantile)
