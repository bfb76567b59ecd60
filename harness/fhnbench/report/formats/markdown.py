"""The table as the terminal shows it, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.runs import to_markdown

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the table as Markdown."""
    return to_markdown(record)
