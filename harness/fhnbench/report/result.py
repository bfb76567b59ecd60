"""A run as it is shown: one model for the terminal, Markdown, CSV, the picture and the HTML report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from fhnbench.report.claims import sentences, times_as_long
from fhnbench.report.text import count, duration, error, listed
from fhnbench.results.claims import claims
from fhnbench.results.front import flags, pareto_front

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fhnbench.features import FeatureErrors
    from fhnbench.results.claims import Claim
    from fhnbench.results.record import Row, RunRecord
    from fhnbench.workload import Output


class Column(NamedTuple):
    """A column of figures: its heading, the path of the figure in a row, and how that is written."""

    heading: str
    path: str
    text: Callable[[float], str]


ERRORS: dict[Output, tuple[Column, ...]] = {
    "trajectories": (
        Column("MAE", "accuracy.mae", error),
        Column("p99.9", "accuracy.p999", error),
    ),
    "features": (
        Column("spikes", "features.spike_time_mae", error),
        Column("period", "features.period_mae", error),
        Column("final", "features.final_mae", error),
        Column("extremes", "features.extremes_mae", error),
    ),
}
"""Columns of the errors of each output."""

_TIMES = (
    Column("time", "resident.median_s", duration),
    Column("± 95%", "resident.spread", "{:.1%}".format),
    Column("end to end", "end_to_end.median_s", duration),
)
_THROUGHPUT = Column("samples/s", "throughput", count)
_ROOFLINE = Column("roofline", "roofline_fraction", "{:.0%}".format)
_PREPARE = Column("prepare", "prepare_s", duration)

COLUMNS: dict[Output, tuple[Column, ...]] = {
    "trajectories": (*ERRORS["trajectories"], *_TIMES, _THROUGHPUT, _ROOFLINE, _PREPARE),
    "features": (*ERRORS["features"], *_TIMES, _ROOFLINE),
}
"""Columns of figures of the table of each output; before them is the contender, after them what became of it."""


@dataclass(frozen=True)
class Line:
    """A contender as it is shown.

    Parameters
    ----------
    row
        The contender.
    cells
        What each column shows.
    keys
        What each column is sorted by; empty where there is nothing.
    notes
        Numbers of its footnotes.
    on_front
        Whether it is on the Pareto front.
    """

    row: Row
    cells: tuple[str, ...]
    keys: tuple[float | str, ...]
    notes: tuple[int, ...]
    on_front: bool


@dataclass(frozen=True)
class Table:
    """The contenders that were asked for one output: those that ran from fast to slow, then the others."""

    output: Output
    title: str
    headings: tuple[str, ...]
    lines: tuple[Line, ...]


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
    tables
        The contenders, a table for each output that was asked for.
    footnotes
        Reasons and remarks; what holds for several contenders is said once.
    """

    record: RunRecord
    title: str
    verdict: tuple[str, ...]
    claims: tuple[Said, ...]
    tables: tuple[Table, ...]
    footnotes: tuple[Footnote, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all tables."""
        return tuple(line for table in self.tables for line in table.lines)


def result_of(record: RunRecord) -> Result:
    """Return what is shown of a run."""
    rows = ordered(record.rows)
    front = {row.contender for row in pareto_front(rows)}
    footnotes = _footnotes(rows)
    said = tuple(Said(claim, sentences(claim)) for claim in sorted(claims(record), key=_rank))
    problem = record.problem
    span = f"{problem.save_points} save points to t = {problem.horizon:g}"
    title = (
        f"Problem {problem.name}: {record.dataset.size:,} samples, {span}, {_number(record.settings.threads, 'thread')}"
    )
    tables = [_table(output, title, rows, footnotes, front) for output in COLUMNS]
    verdict = _verdict([one.claim for one in said], record)
    return Result(record, title, verdict, said, tuple(table for table in tables if table.lines), footnotes)


def ordered(rows: tuple[Row, ...]) -> list[Row]:
    """Return the rows that ran from fast to slow, then the others."""
    return sorted(rows, key=lambda row: row.resident.median_s if row.resident else float("inf"))


def _table(
    output: Output, title: str, rows: list[Row], footnotes: tuple[Footnote, ...], front: Collection[str]
) -> Table:
    lines = [
        Line(
            row,
            cells(row),
            (
                row.contender,
                *("" if (value := figure(row, one.path)) is None else value for one in COLUMNS[output]),
                _status(row),
            ),
            tuple(note.number for note in footnotes if row.contender in note.contenders),
            row.contender in front,
        )
        for row in rows
        if row.output == output
    ]
    headings = ("contender", *(column.heading for column in COLUMNS[output]), "status")
    return Table(output, title if output == "trajectories" else f"{title}; MAE of features", headings, tuple(lines))


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row: the contender, the columns of its output, and the status."""
    columns = COLUMNS[row.output]
    if row.status != "ran":
        return (row.contender, *[""] * len(columns), _status(row))
    return (row.contender, *(_cell(row, column) for column in columns), _status(row))


def _cell(row: Row, column: Column) -> str:
    value = figure(row, column.path)
    if value is None:
        return "-" if column in _TIMES else ""
    binds = {"memory": " m", "arithmetic": " a", None: ""}[row.binds] if column is _ROOFLINE else ""
    return column.text(value) + binds


def figure(row: Row, path: str) -> Any:
    """Return a field of a row by its path; None if the row has not got it."""
    found: Any = row
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _status(row: Row) -> str:
    if row.status != "ran":
        return row.status.replace("_", " ")
    return "disturbed" if row.disturbed else "ran" if row.converged else "unconverged"


def _footnotes(rows: list[Row]) -> tuple[Footnote, ...]:
    said: dict[str, list[str]] = {}
    for row in rows:
        miscounted = _miscounted(row.features) if row.features else ""
        for remark in filter(None, (row.reason, *flags(row), *row.notes, miscounted)):
            said.setdefault(remark, []).append(row.contender)
    return tuple(Footnote(n, tuple(names), text) for n, (text, names) in enumerate(said.items(), 1))


def _miscounted(errors: FeatureErrors) -> str:
    """Return how many spikes are wrong, which no error of the other figures holds; nothing if none is."""
    if not (errors.missed_spikes or errors.extra_spikes):
        return ""
    return f"{errors.missed_spikes:,} spikes of {errors.spikes:,} are missed, {errors.extra_spikes:,} are extra"


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
    return text + (
        f"; {disturbed} {'was' if disturbed == 1 else 'were'} measured under disturbance." if disturbed else "."
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
