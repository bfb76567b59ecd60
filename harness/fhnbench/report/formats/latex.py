"""The table as the terminal shows it, in LaTeX with booktabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.markup import latex_table
from fhnbench.report.result import COLUMNS, result_of

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the table as a LaTeX ``tabular``."""
    return latex_table(COLUMNS, [line.cells for line in result_of(record).lines])
