"""A self-test as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fhnbench.report.console import table
from fhnbench.report.markup import markdown_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fhnbench.results.selftest import SelfTest
    from fhnbench.statistics.power import Found

COLUMNS = ("clock", "delay", "stated", "found", "95% interval", "repetitions", "kept")


def selftest_table(test: SelfTest) -> RenderableType:
    """Return a self-test for the terminal."""
    title = f"Comparisons of {test.processes} processes of {test.rounds} rounds each"
    if test.runs:
        title += f", drawn from {test.runs} runs"
    rows = table([(column, "left" if column in {"clock", "kept"} else "right") for column in COLUMNS], title=title)
    for found in test.rows:
        rows.add_row(*map(Text, cells(found)), style="" if found.kept else "red")
    return rows


def to_markdown(test: SelfTest) -> str:
    """Return a self-test as Markdown."""
    return markdown_table(COLUMNS, map(cells, test.rows))


def cells(found: Found) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `COLUMNS`."""
    return (
        found.clock,
        f"{found.delay:.0%}" if found.delay else "none",
        f"{found.stated:.1%}",
        f"{found.found:.1%}",
        f"{found.low:.1%} to {found.high:.1%}",
        str(found.repetitions),
        "yes" if found.kept else "no",
    )
