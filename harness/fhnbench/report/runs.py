"""A run as a table for the terminal, Markdown and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from fhnbench.report.console import table
from fhnbench.report.markup import csv_table, markdown_table
from fhnbench.report.result import figure, result_of
from fhnbench.report.text import breakable, listed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fhnbench.report.result import Footnote, Table
    from fhnbench.results.record import Row, RunRecord

_CLAIMS = 8
"""Claims that are told in the terminal; the others are in table.md and in the report."""

FIGURES = {
    **{name: name for name in ("contender", "kind", "output", "status")},
    **{
        name: f"errors.{name}"
        for name in (
            *("mae", "mae_low", "mae_high", "rmse", "p999", "max"),
            *("spike_time_mae", "period_mae", "final_mae", "extremes_mae"),
        )
    },
    **{
        f"{span}_{name}": f"{span}.{name}"
        for span in ("resident", "end_to_end")
        for name in ("median_s", "low_s", "high_s")
    },
    "prepare_s": "prepare_s",
    "samples_per_s": "throughput",
    **{
        name: name
        for name in (
            "roofline_fraction",
            "binds",
            "energy_j",
            "converged",
            "disturbed",
            "reason",
        )
    },
}
"""Columns of the CSV and of data frames, with their units, and the field of a row that each holds."""


def run_table(record: RunRecord) -> RenderableType:
    """Return a run for the terminal: what was measured, a row each, reasons and remarks, and the verdict in words."""
    result = result_of(record)
    tables = [_terminal_table(one) for one in result.tables]
    remarks = [Text(_remark(note)) for note in result.footnotes]
    if not record.complete:
        remarks.append(Text("The run is not complete.", style="yellow"))
    verdict = [Text()] * bool(result.verdict)
    verdict += [Text(" ".join(result.verdict), style="bold")] * bool(result.verdict)
    verdict += [Text(f"- {one.sentences[0]}") for one in result.claims[:_CLAIMS]]
    if (more := len(result.claims) - _CLAIMS) > 0:
        verdict.append(Text(f"- and {more} more: fhnbench report"))
    return Group(*tables, *remarks, *verdict)


def _terminal_table(of: Table) -> RenderableType:
    rows = table(
        [(heading, "left" if heading in {"contender", "status"} else "right") for heading in of.headings],
        title=of.title,
    )
    for line in of.lines:
        style = {"ran": "", "failed": "red", "timed_out": "red"}.get(line.row.status, "yellow")
        contender, *figures = line.cells
        rows.add_row(Text(breakable(contender)), *map(Text, figures), style=style)
    return rows


def to_markdown(record: RunRecord) -> str:
    """Return the tables, their footnotes and the verdict as Markdown."""
    result = result_of(record)
    text = [markdown_table(one.headings, [line.cells for line in one.lines]) for one in result.tables]
    if result.footnotes:
        text.append("".join(f"- {_remark(note)}\n" for note in result.footnotes))
    if result.verdict:
        text.append(" ".join(result.verdict) + "\n")
        text.append("".join(f"- {' '.join(one.sentences)}\n" for one in result.claims))
    return "\n".join(text)


def to_csv(record: RunRecord) -> str:
    """Return the table as CSV: full precision, seconds, one header line."""
    rows = [line.row for line in result_of(record).lines]
    return csv_table(list(FIGURES), [figures_of(row) for row in rows])


def figures_of(row: Row) -> list[Any]:
    """Return the figures of a row, in the order of `FIGURES`; None for what it has not got."""
    return [figure(row, path) for path in FIGURES.values()]


def _remark(note: Footnote) -> str:
    return f"{listed(list(note.contenders), most=6)}: {note.text}"
