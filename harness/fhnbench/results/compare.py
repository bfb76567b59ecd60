"""Two sets of records, contender by contender: whether the candidate is slower or less accurate than the base."""

from __future__ import annotations

from fnmatch import fnmatchcase
from statistics import median
from typing import TYPE_CHECKING, Literal

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.results.collection import Span, times_of
from fhnbench.statistics.ratio import time_ratio
from fhnbench.statistics.verdict import ALPHA, Judged, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhnbench.results.record import Row, RunRecord
    from fhnbench.statistics.ratio import Times

DEFAULT_THRESHOLD = 0.03
ACCURACY_TOLERANCE = 0.01
"""Errors are those of the same inputs in another order: they differ by rounding alone."""

AccuracyVerdict = Literal["better", "worse", "same"]


class Thresholds:
    """Relative changes of time that do not matter, by contender.

    Parameters
    ----------
    texts
        ``3%`` for all, or ``PATTERN=10%``, where a pattern is a contender or has ``*``; later ones win.

    Raises
    ------
    FhnbenchError
        If one cannot be read.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = tuple(texts)
        self._rules = [("*", DEFAULT_THRESHOLD), *(_rule(text) for text in self._texts)]

    def of(self, contender: str) -> float:
        """Return the threshold of a contender."""
        return [value for pattern, value in self._rules if _fits(pattern, contender)][-1]

    def unused(self, contenders: Iterable[str]) -> list[str]:
        """Return the texts whose pattern fits none of the contenders."""
        there = list(contenders)
        rules = zip(self._texts, self._rules[1:], strict=True)
        return [text for text, (pattern, _) in rules if not any(_fits(pattern, name) for name in there)]


class AccuracyChange(msgspec.Struct, frozen=True):
    """Errors of base and candidate, the worst of all records.

    `verdict` is ``worse`` if the MAE or the p99.9 has grown by more than the tolerance, else ``better`` if one has
    shrunk by more.
    """

    base_mae: float
    candidate_mae: float
    base_p999: float
    candidate_p999: float
    verdict: AccuracyVerdict


class Compared(msgspec.Struct, frozen=True):
    """A contender in both sets of records.

    Parameters
    ----------
    contender
        As `fhnbench run` reads it.
    base_s, candidate_s
        Median times of all rounds.
    speed, accuracy
        Verdicts; None if it did not run on both sides.
    reason
        Why there is none.
    notes
        What a reader should know: another artifact, a single process.
    """

    contender: str
    base_s: float | None = None
    candidate_s: float | None = None
    speed: Judged | None = None
    accuracy: AccuracyChange | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """All contenders of two sets of records; `lost` are those that ran in the base and do not in the candidate."""

    rows: tuple[Compared, ...]
    span: str
    alpha: float
    lost: tuple[str, ...] = ()

    @property
    def slower(self) -> bool:
        """Whether a contender is slower."""
        return any(row.speed and row.speed.verdict == "slower" for row in self.rows)

    @property
    def less_accurate(self) -> bool:
        """Whether a contender is less accurate."""
        return any(row.accuracy and row.accuracy.verdict == "worse" for row in self.rows)

    @property
    def inconclusive(self) -> bool:
        """Whether it is not known of some contender if it is slower."""
        return any(row.speed and row.speed.verdict == "inconclusive" for row in self.rows)


def compare_records(
    base: Sequence[RunRecord],
    candidate: Sequence[RunRecord],
    thresholds: Thresholds | None = None,
    span: Span = "resident",
    alpha: float = ALPHA,
    accuracy_tolerance: float = ACCURACY_TOLERANCE,
) -> Comparison:
    """Compare two sets of records, each one side; a contender's processes are those of all records of a side.

    Whether the sides are comparable is for `fhnbench.results.comparable.differences` to say.

    Parameters
    ----------
    base, candidate
        Records; records of the same session are paired by round.
    thresholds
        Relative changes that do not matter.
    span
        Which time counts.
    alpha
        Probability that any verdict of the table is false.
    accuracy_tolerance
        Relative change of errors that does not matter.

    Raises
    ------
    FhnbenchError
        If the sides have no contender in common.
    """
    thresholds = thresholds or Thresholds()
    ours, theirs = _rows(candidate), _rows(base)
    names = [name for name in theirs if name in ours]
    if not names:
        raise FhnbenchError(f"no contender in common: {', '.join(theirs) or 'none'} and {', '.join(ours) or 'none'}")
    both = [name for name in names if _ran(theirs[name]) and _ran(ours[name])]
    times = {name: (times_of(base, name, span), times_of(candidate, name, span)) for name in both}
    ratios = [time_ratio(*times[name]) for name in both]
    judged = dict(zip(both, judge(ratios, [thresholds.of(name) for name in both], alpha), strict=True))
    rows = tuple(
        Compared(
            name,
            _median(times[name][0]),
            _median(times[name][1]),
            judged[name],
            _accuracy(_ran(theirs[name]), _ran(ours[name]), accuracy_tolerance),
            notes=tuple(_notes(theirs[name], ours[name], judged[name])),
        )
        if name in judged
        else Compared(name, reason=_absence(theirs[name], ours[name]))
        for name in names
    )
    lost = tuple(name for name, found in theirs.items() if _ran(found) and not _ran(ours.get(name, [])))
    return Comparison(rows, span, alpha, lost)


def _fits(pattern: str, contender: str) -> bool:
    return pattern == contender or fnmatchcase(contender, pattern)


def _rule(text: str) -> tuple[str, float]:
    pattern, equals, value = text.rpartition("=")
    try:
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1 or (equals and not pattern):
        raise FhnbenchError(f"threshold {text!r}: write it as 3% or as 'ddnn-*=10%'")
    return pattern or "*", number


def _rows(records: Iterable[RunRecord]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for record in records:
        for row in record.rows:
            found.setdefault(row.contender, []).append(row)
    return found


def _ran(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.status == "ran" and row.blocks]


def _median(times: Times) -> float:
    return median(seconds for rounds in times.values() for seconds in rounds.values())


def _absence(base: Sequence[Row], candidate: Sequence[Row]) -> str:
    side, rows = ("candidate", candidate) if not _ran(candidate) else ("base", base)
    return f"{rows[0].status.replace('_', ' ')} in the {side}: {rows[0].reason}".rstrip(": ")


def _accuracy(base: Sequence[Row], candidate: Sequence[Row], tolerance: float) -> AccuracyChange | None:
    before, after = ([row.accuracy for row in rows if row.accuracy] for rows in (base, candidate))
    if not before or not after:
        return None
    figures = [
        (max(getattr(one, key) for one in before), max(getattr(one, key) for one in after)) for key in ("mae", "p999")
    ]
    verdict: AccuracyVerdict = "same"
    if any(new > (1 + tolerance) * old for old, new in figures):
        verdict = "worse"
    elif any(old > (1 + tolerance) * new for old, new in figures):
        verdict = "better"
    return AccuracyChange(*figures[0], *figures[1], verdict)


def _notes(base: Sequence[Row], candidate: Sequence[Row], judged: Judged) -> list[str]:
    notes = []
    if judged.ratio.single:
        notes.append("one process: how much processes differ is not known, and the interval does not hold it")
    digests = [{row.artifact.digest for row in rows if row.artifact} for rows in (base, candidate)]
    if digests[0] != digests[1]:
        notes.append("another artifact")
    return notes
