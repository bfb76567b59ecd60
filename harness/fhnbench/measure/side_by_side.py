"""Two revisions in the same runs: each contender has a worker of either, and they take turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from fhnbench.measure.program import OWN
from fhnbench.measure.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench.dataset.reader import Dataset
    from fhnbench.measure.revision import Revision
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord, Settings

Side = Literal["base", "candidate"]


@dataclass(frozen=True)
class Question:
    """What is measured: contenders, on the first samples of a dataset."""

    dataset: Dataset
    size: int
    requests: Sequence[Request]


def measure_side_by_side(
    base: Revision,
    question: Question,
    settings: Settings,
    runs: int,
    save: Callable[[Side, int, RunRecord], object],
    report: Callable[[str, float], None],
) -> dict[Side, list[RunRecord]]:
    """Measure contenders of two revisions, this one and a base, in several runs with new workers in each.

    Parameters
    ----------
    base
        The other revision.
    question
        What is measured.
    settings
        How a run is measured; the time budget is that of all runs together.
    runs
        How often workers are started anew: so many processes of either revision the comparison rests on.
    save
        Called with the record of a side and the number of the run, now and then.
    report
        Called with what is going on and the fraction of all that is done.

    Returns
    -------
    dict
        The records of either side, one for each run; those of the same run are paired by round.
    """
    sides: dict[Side, list[RunRecord]] = {"base": [], "candidate": []}
    for number in range(runs):
        split: dict[Side, RunRecord] = {}

        def keep(record: RunRecord, number: int = number, split: dict[Side, RunRecord] = split) -> None:
            split["candidate"] = msgspec.structs.replace(record, rows=record.rows[0::2])
            split["base"] = msgspec.structs.replace(record, rows=record.rows[1::2], environment=base.environment)
            for side, one in split.items():
                save(side, number, one)

        Session(
            question.dataset,
            question.size,
            question.requests,
            msgspec.structs.replace(
                settings, seed=settings.seed + number, time_budget_s=settings.time_budget_s / runs, tolerance=0.0
            ),
            keep,
            _Part(report, number, runs),
            programs=(OWN, base.program),
        ).run()
        for side, one in split.items():
            sides[side].append(one)
    return sides


@dataclass
class _Part:
    """Reports of one run as part of all: the first half is to prepare, the second to measure."""

    report: Callable[[str, float], None]
    number: int
    runs: int
    phase: int = 0
    before: float = 0.0

    def __call__(self, what: str, fraction: float) -> None:
        if fraction < self.before:
            self.phase = 1
        self.before = fraction
        done = (self.number + (self.phase + min(1.0, fraction)) / 2) / self.runs
        self.report(f"run {self.number + 1} of {self.runs}: {what}", done)
