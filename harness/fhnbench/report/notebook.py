"""A run as a table in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from fhnbench.report.result import result_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhnbench.report.result import Table
    from fhnbench.results.record import RunRecord


def html_table(record: RunRecord) -> str:
    """Return a run's table, remarks and verdict as HTML: those of the terminal and of the report."""
    result = result_of(record)
    parts = [_table(one) for one in result.tables]
    remarks = [f"{', '.join(note.contenders)}: {note.text}" for note in result.footnotes]
    remarks += [] if record.complete else ["The run is not complete."]
    parts += [Markup("<p>{}</p>").format(text) for text in [*remarks, *filter(None, [" ".join(result.verdict)])]]
    return str(Markup("\n").join(parts))


def _table(of: Table) -> Markup:
    lines = Markup("").join(Markup("<tr>{}</tr>").format(_cells("td", line.cells)) for line in of.lines)
    table = "<table><caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table>"
    return Markup(table).format(of.title, _cells("th", of.headings), lines)


def _cells(tag: str, texts: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<{0}>{1}</{0}>").format(tag, text) for text in texts)
