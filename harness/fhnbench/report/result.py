"""A run as it is shown: one model for the terminal, Markdown, CSV, the picture and the HTML report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhnbench.report.claims import sentences, times_as_long
from fhnbench.report.text import count, duration, error, listed
from fhnbench.results.claims import claims
from fhnbench.results.front import flags, pareto_front

if TYPE_CHECKING:
    from fhnbench.results.claims import Claim
    from fhnbench.results.record import Interval, Row, RunRecord

COLUMNS = ("contender", "MAE", "p99.9", "time", "± 95%", "end to end", "samples/s", "roofline", "prepare", "status")


@dataclass(frozen=True)
class Line:
    """A contender as it is shown: a cell for each of `COLUMNS`, numbers of its footnotes, whether on the front."""

    row: Row
    cells: tuple[str, ...]
    notes: tuple[int, ...]
    on_front: bool


@dataclass(frozen=True)
class Footnote:
    """A remark and the contenders that it is about."""

    number: int
    contenders: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Said:
    """A claim about a surrogate in words: all of it, and its first sentence."""

    claim: Claim
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What is shown of a run.

    Parameters
    ----------
    record
        The run.
    title
        What was measured.
    verdict
        The outcome in a few sentences; empty if no surrogate was measured.
    claims
        What is said of each surrogate: those that win first, then those that lose, by how much.
    lines
        The contenders that ran from fast to slow, then the others.
    footnotes
        Reasons and remarks; what holds for several contenders is said once.
    """

    record: RunRecord
    title: str
    verdict: tuple[str, ...]
    claims: tuple[Said, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[Footnote, ...]


def result_of(record: RunRecord) -> Result:
    """Return what is shown of a run."""
    rows = ordered(record.rows)
    front = {row.contender for row in pareto_front(rows)}
    footnotes = _footnotes(rows)
    lines = [
        Line(
            row, cells(row), tuple(n.number for n in footnotes if row.contender in n.contenders), row.contender in front
        )
        for row in rows
    ]
    said = tuple(Said(claim, sentences(claim)) for claim in sorted(claims(record), key=_rank))
    problem = record.problem
    span = f"{problem.save_points} save points to t = {problem.horizon:g}"
    title = (
        f"Problem {problem.name}: {record.dataset.size:,} samples, {span}, {_number(record.settings.threads, 'thread')}"
    )
    verdict = _verdict([one.claim for one in said], record)
    return Result(record, title, verdict, said, tuple(lines), footnotes)


def ordered(rows: tuple[Row, ...]) -> list[Row]:
    """Return the rows that ran from fast to slow, then the others."""
    return sorted(rows, key=lambda row: row.resident.median_s if row.resident else float("inf"))


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `COLUMNS`."""
    accuracy, resident, end_to_end = row.accuracy, row.resident, row.end_to_end
    if not (accuracy and resident and end_to_end):
        return (row.contender, *[""] * (len(COLUMNS) - 2), row.status.replace("_", " "))
    binds = {"memory": " m", "arithmetic": " a", None: ""}[row.binds]
    roofline = f"{row.roofline_fraction:.0%}{binds}" if row.roofline_fraction is not None else ""
    return (
        row.contender,
        error(accuracy.mae),
        error(accuracy.p999),
        duration(resident.median_s),
        _spread(resident),
        duration(end_to_end.median_s),
        count(row.throughput or 0.0),
        roofline,
        duration(row.prepare_s or 0.0),
        _status(row),
    )


def _status(row: Row) -> str:
    if row.status != "ran":
        return row.status.replace("_", " ")
    return "disturbed" if row.disturbed else "ran" if row.converged else "unconverged"


def _footnotes(rows: list[Row]) -> tuple[Footnote, ...]:
    said: dict[str, list[str]] = {}
    for row in rows:
        for remark in filter(None, (row.reason, *flags(row), *row.notes)):
            said.setdefault(remark, []).append(row.contender)
    return tuple(Footnote(n, tuple(names), text) for n, (text, names) in enumerate(said.items(), 1))


def _spread(interval: Interval) -> str:
    """Return the larger half of the interval, relative to the median; one sample has none."""
    if len(interval.samples) < 2:
        return "-"
    half = max(interval.high_s - interval.median_s, interval.median_s - interval.low_s)
    return f"{half / interval.median_s:.1%}"


def _verdict(found: list[Claim], record: RunRecord) -> tuple[str, ...]:
    """Return where surrogates win, where they lose, and how sure that is."""
    if not found:
        return ()
    by_verdict = {verdict: [one for one in found if one.verdict == verdict] for verdict in _MEANINGS}
    parts = [
        f"{len(ones)} {'is' if len(ones) == 1 else 'are'} {_MEANINGS[verdict]}"
        for verdict, ones in by_verdict.items()
        if ones
    ]
    whole = _number(len(found), "surrogate")
    text = [f"Of {whole}, each against the cheapest classical configuration of equal error: {'; '.join(parts)}."]
    for verdict in ("faster", "slower"):
        best = min(by_verdict[verdict], key=_rank, default=None)
        if best and best.speed_up and best.matched:
            text.append(
                f"{'The largest gain' if verdict == 'faster' else 'The nearest of those that are slower'}: "
                f"{best.surrogate} takes {times_as_long(best.speed_up)} {best.matched.contender} "
                f"at an MAE of {error(best.mae)}."
            )
    if by_verdict["unmatched"]:
        names = listed([one.surrogate for one in by_verdict["unmatched"]])
        text.append(f"No classical configuration in this run reaches the error of {names}: sweep more with --frontier.")
    text.append(_certainty(record))
    return tuple(text)


def _rank(claim: Claim) -> tuple[int, float]:
    return list(_MEANINGS).index(claim.verdict), -claim.speed_up.value if claim.speed_up else 0.0


_MEANINGS = {
    "faster": "faster",
    "even": "not shown to be faster or slower",
    "slower": "slower",
    "unmatched": "without a classical counterpart",
    "wrong": "above the roofline, so wrong",
}


def _certainty(record: RunRecord) -> str:
    ran = [row for row in record.rows if row.status == "ran"]
    known, disturbed = sum(row.converged for row in ran), sum(row.disturbed for row in ran)
    text = "Brackets hold 95% intervals over rounds. "
    text += f"The time of {known} of {len(ran)} contenders is known to 1%"
    return text + (f"; {disturbed} were measured under disturbance." if disturbed else ".")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
