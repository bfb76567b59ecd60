"""The files that a run leaves beside its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.files import write_whole
from fhnbench.report.runs import to_csv, to_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from fhnbench.results.record import RunRecord


def write_reports(record: RunRecord, folder: Path) -> None:
    """Write table.md, table.csv and, if anything ran, frontier.png into a folder."""
    write_whole(folder / "table.md", to_markdown(record))
    write_whole(folder / "table.csv", to_csv(record))
    if any(row.accuracy for row in record.rows):
        from fhnbench.report.frontier import frontier_png

        write_whole(folder / "frontier.png", frontier_png(record))
