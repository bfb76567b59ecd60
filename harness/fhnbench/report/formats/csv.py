"""The table in full precision, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.runs import to_csv

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the table as CSV."""
    return to_csv(record)
