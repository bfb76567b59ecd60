"""The self-test on this machine's clock: the same contender measured against itself, with and without a delay."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.measure.delayed import delayed
from fhnbench.measure.session import Session
from fhnbench.results.collection import row_times

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord, Settings
    from fhnbench.statistics.ratio import Times


@dataclass(frozen=True)
class Pool:
    """Times of many runs, in each of which a contender took turns with itself and with itself delayed.

    Parameters
    ----------
    times
        By delay: those of one process a run; without a delay there are two.
    """

    times: dict[float, list[dict[str, dict[int, float]]]]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.times[0.0][0])

    def draw(self, generator: random.Random, processes: int, delay: float) -> tuple[Times, Times]:
        """Return a base and a candidate with a delay, of so many runs, drawn at random without replacement.

        The two processes without a delay change places at random, in each run.
        """
        base: Times = {}
        candidate: Times = {}
        for session in generator.sample(sorted(self.times[0.0][0]), processes):
            one, other = generator.sample(self.times[0.0], 2)
            base |= {session: one[session]}  # type: ignore[operator]
            candidate |= {session: (self.times[delay][0] if delay else other)[session]}  # type: ignore[operator]
        return base, candidate


def measure_pool(
    dataset: Dataset,
    size: int,
    chosen: Request,
    settings: Settings,
    delays: Sequence[float],
    fewest: int,
    report: Callable[[str, float], None],
) -> Pool:
    """Measure runs until the settings' time budget is used up, at least `fewest`.

    Raises
    ------
    FhnbenchError
        If the contender does not run.
    """
    shares = [0.0, 0.0, *delays]
    pool = Pool({share: [{} for other in shares if other == share] for share in shares})
    began = time.monotonic()
    number = 0
    while number < fewest or time.monotonic() - began < settings.time_budget_s:
        done = max(number / fewest if number < fewest else 0.0, (time.monotonic() - began) / settings.time_budget_s)
        latest: list[RunRecord] = []
        Session(
            dataset,
            size,
            [chosen],
            msgspec.structs.replace(settings, seed=settings.seed + number, tolerance=0.0),
            latest.append,
            lambda what, _, number=number, done=done: report(f"run {number + 1}: {what}", done),  # type: ignore[misc]
            programs=[delayed(share) for share in shares],
        ).run()
        for share, row, place in zip(shares, latest[-1].rows, [0, 1, *[0] * len(delays)], strict=True):
            if row.status != "ran":
                raise FhnbenchError(f"{row.contender}: {row.status}: {row.reason}")
            pool.times[share][place][latest[-1].session] = row_times(row)
        number += 1
    return pool
