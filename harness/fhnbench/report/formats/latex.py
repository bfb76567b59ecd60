"""The table as the terminal shows it, in LaTeX with booktabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.markup import latex_table
from fhnbench.report.runs import COLUMNS, cells, ordered

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the table as a LaTeX ``tabular``."""
    return latex_table(COLUMNS, [cells(row) for row in ordered(record.rows)])
