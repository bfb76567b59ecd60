"""How often comparisons find delays that are known, and how often they find one where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fhnbench.statistics.ratio import time_ratio
from fhnbench.statistics.verdict import ALPHA, p_different

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench.statistics.ratio import Ratio, Times

ALLOWANCE = 0.05
"""The power that comparisons state is itself an estimate: so much less may be found, beside what chance explains."""


class Found(msgspec.Struct, frozen=True):
    """How often a delay was found.

    Parameters
    ----------
    clock
        Whose times they are: that of this machine, or a simulated one.
    delay
        Relative delay of the candidate; 0 where both are the same.
    stated
        Share of comparisons that should find it: the level, for no delay, else the mean power that the comparisons
        without a delay state.
    found, low, high
        Share that found a difference (in the right direction, for a delay), and its 95% interval.
    repetitions
        Number of comparisons.
    """

    clock: str
    delay: float
    stated: float
    found: float
    low: float
    high: float
    repetitions: int

    @property
    def kept(self) -> bool:
        """Whether false alarms are no more frequent than stated, or delays are found as often, but for chance."""
        return self.low <= self.stated if self.delay == 0 else self.high >= self.stated - ALLOWANCE


def found_delays(
    clock: str,
    draw: Callable[[float], tuple[Times, Times]],
    delays: Sequence[float],
    repetitions: int,
    report: Callable[[str, float], None],
) -> list[Found]:
    """Compare again and again, and count.

    Parameters
    ----------
    clock
        What it is called in the result.
    draw
        Returns the times of a base and of a candidate with the delay that it is given, others at each call.
    delays
        Relative delays; a row for none comes before them.
    repetitions
        Comparisons of each.
    report
        Called with what is going on and the fraction that is done.
    """
    rows = []
    equal: list[Ratio] = []
    total = repetitions * (1 + len(delays))
    for number, delay in enumerate([0.0, *delays]):
        ratios = []
        for repetition in range(repetitions):
            report(f"{clock}: a delay of {delay:.0%}", (number * repetitions + repetition) / total)
            ratios.append(time_ratio(*draw(delay), resamples=400))
        equal = equal or ratios
        stated = float(np.mean([ratio.power(delay) for ratio in equal])) if delay else ALPHA
        hits = sum(p_different(ratio) < ALPHA and (ratio.value > 1 or not delay) for ratio in ratios)
        rows.append(Found(clock, delay, stated, hits / repetitions, *_interval(hits, repetitions), repetitions))
    return rows


def _interval(hits: int, trials: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(hits, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
