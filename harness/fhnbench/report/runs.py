"""A run as a table: one model of cells, for the terminal, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from fhnbench.report.console import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fhnbench.results.record import Interval, Row, RunRecord

COLUMNS = ("contender", "MAE", "p99.9", "time", "± 95%", "end to end", "samples/s", "roofline", "prepare", "status")
NAME_WIDTH = 20
"""Columns that a contender has in a terminal of 100 before its name breaks."""

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def run_table(record: RunRecord) -> RenderableType:
    """Return a run for the terminal: what was measured, a row each, and reasons and remarks below."""
    problem, size, threads = record.problem, record.dataset.size, record.settings.threads
    span = f"{problem.save_points} save points to t = {problem.horizon:g}"
    title = f"Problem {problem.name}: {size:,} samples, {span}, {threads} threads"
    rows = table(
        [(column, "left" if column in {"contender", "status"} else "right") for column in COLUMNS], title=title
    )
    for row in ordered(record.rows):
        style = {"ran": "", "failed": "red", "timed_out": "red"}.get(row.status, "yellow")
        contender, *figures = cells(row)
        rows.add_row(Text(breakable(contender)), *map(Text, figures), style=style)
    remarks = [Text(f"{row.contender}: {remark}") for row in ordered(record.rows) for remark in remarks_of(row)]
    if not record.complete:
        remarks.append(Text("The run is not complete.", style="yellow"))
    return Group(rows, *remarks)


def ordered(rows: tuple[Row, ...]) -> list[Row]:
    """Return the rows that ran from fast to slow, then the others."""
    return sorted(rows, key=lambda row: row.resident.median_s if row.resident else float("inf"))


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `COLUMNS`."""
    accuracy, resident, end_to_end = row.accuracy, row.resident, row.end_to_end
    if not (accuracy and resident and end_to_end):
        return (row.contender, *[""] * (len(COLUMNS) - 2), row.status.replace("_", " "))
    roofline = f"{row.roofline_fraction:.0%}" if row.roofline_fraction is not None else ""
    return (
        row.contender,
        error(accuracy.mae),
        error(accuracy.p999),
        duration(resident.median_s),
        _spread(resident),
        duration(end_to_end.median_s),
        _count(row.throughput or 0.0),
        roofline,
        duration(row.prepare_s or 0.0),
        "ran" if row.converged else "unconverged",
    )


def remarks_of(row: Row) -> tuple[str, ...]:
    """Return what a reader should know of a row besides its figures."""
    return tuple(filter(None, (row.reason, *row.notes)))


def error(value: float) -> str:
    """Return an error with three digits and a short exponent, as in 8.05e-3."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: float) -> str:
    """Return a time with three digits and its unit."""
    for size, unit in _UNITS:
        if float(f"{seconds:.3g}") >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def to_markdown(record: RunRecord) -> str:
    """Return the table as Markdown."""
    body = [cells(row) for row in ordered(record.rows)]
    lines = [COLUMNS, ["---"] * len(COLUMNS), *body]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    remarks = [f"- {row.contender}: {remark}" for row in ordered(record.rows) for remark in remarks_of(row)]
    return "\n".join([text, "", *remarks]).rstrip() + "\n"


def to_csv(record: RunRecord) -> str:
    """Return the table as CSV: full precision, seconds, one header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    accuracy = ("mae", "rmse", "p999", "max", "spike_time_mae")
    interval = ("median_s", "low_s", "high_s")
    plain = ("prepare_s", "throughput", "roofline_fraction", "converged")
    writer.writerow(
        [
            "contender",
            "kind",
            "status",
            *accuracy,
            *(f"resident_{name}" for name in interval),
            *(f"end_to_end_{name}" for name in interval),
            *plain,
            "reason",
        ]
    )
    for row in ordered(record.rows):
        writer.writerow(
            [row.contender, row.kind, row.status]
            + [getattr(row.accuracy, name, "") for name in accuracy]
            + [getattr(row.resident, name, "") for name in interval]
            + [getattr(row.end_to_end, name, "") for name in interval]
            + [getattr(row, name) for name in plain]
            + [row.reason]
        )
    return text.getvalue()


def breakable(contender: str) -> str:
    """Return a contender with places where a narrow column may break its line, if it is long."""
    return contender if len(contender) <= NAME_WIDTH else contender.replace("[", " [", 1).replace(",", ", ")


def _count(value: float) -> str:
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}"


def _spread(interval: Interval) -> str:
    """Return the larger half of the interval, relative to the median; one sample has none."""
    if len(interval.samples) < 2:
        return "-"
    half = max(interval.high_s - interval.median_s, interval.median_s - interval.low_s)
    return f"{half / interval.median_s:.1%}"
