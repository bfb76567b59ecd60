"""Several records as one side of a comparison, or as a history: which there are, and each contender's times in them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from fhnbench.errors import FhnbenchError
from fhnbench.results.store import RUN_FILE, encode, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from fhnbench.results.record import Block, Row, RunRecord
    from fhnbench.statistics.ratio import Times

Span = Literal["resident", "end-to-end"]

SPANS: dict[Span, Callable[[Block], float]] = {
    "resident": lambda block: block.compute_s,
    "end-to-end": lambda block: block.upload_s + block.compute_s + block.download_s,
}
"""The time of a block that counts, by what is asked."""


def read_records(path: Path) -> list[RunRecord]:
    """Read the record of a run's folder or of a file, or those of all runs in a folder of runs.

    Raises
    ------
    FhnbenchError
        If there is none, or one cannot be read.
    """
    if not path.is_dir() or (path / RUN_FILE).exists():
        return [read_record(path)]
    files = sorted(path.glob(f"*/{RUN_FILE}"))
    if not files:
        raise FhnbenchError(f"{path}: holds neither {RUN_FILE} nor folders with one")
    return [read_record(file) for file in files]


def times_of(records: Iterable[RunRecord], contender: str, span: Span = "resident") -> Times:
    """Return the times of a contender by session and round; sessions in which it did not run are left out."""
    found = {}
    for record in records:
        row = next((row for row in record.rows if row.contender == contender and row.status == "ran"), None)
        if row and (times := row_times(row, span)):
            found[session_of(record)] = times
    return found


def row_times(row: Row, span: Span = "resident") -> dict[int, float]:
    """Return the times of a row by round, in seconds; those of disturbed blocks only if the row rests on them."""
    return {block.round: SPANS[span](block) for block in row.blocks if row.disturbed or not block.disturbed}


def session_of(record: RunRecord) -> str:
    """Return the name of a record's session, or of its content where it has none."""
    return record.session or hashlib.sha256(encode(record).encode()).hexdigest()
