"""The table as the terminal shows it, in LaTeX with booktabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.markup import latex_table
from fhnbench.report.result import result_of

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the table as a LaTeX ``tabular``, one for each output that was asked for."""
    tables = result_of(record).tables
    return "\n".join(latex_table(one.headings, [line.cells for line in one.lines]) for one in tables)
