"""Records over time: what each contender took when, where the same was asked on the same machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from fhnbench.results.store import RUN_FILE, InvalidRecord, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fhnbench.results.record import Interval, Row, RunRecord


@dataclass(frozen=True)
class Point:
    """A contender in one record: when, at which revision (short, with ``+`` where files were changed), how fast."""

    created: datetime
    revision: str
    row: Row
    time: Interval


@dataclass(frozen=True)
class Series:
    """Everything that can be drawn together: one machine and one question, and each contender's points in order.

    Parameters
    ----------
    machine
        A CPU and threads, or a GPU.
    question
        Problem, samples, precision, dataset.
    points
        By contender, from old to new.
    """

    machine: str
    question: str
    points: dict[str, list[Point]]


def find_records(folders: Iterable[Path]) -> tuple[list[RunRecord], list[str]]:
    """Return all records in folders, from old to new, and what could not be read and why."""
    records, refused = [], []
    for folder in folders:
        for file in sorted(folder.rglob(RUN_FILE)) if folder.is_dir() else [folder]:
            try:
                records.append(read_record(file))
            except InvalidRecord as error:
                refused.append(str(error))
    return sorted(records, key=lambda record: datetime.fromisoformat(record.created)), refused


def history(records: Iterable[RunRecord], patterns: Sequence[str] = ("*",)) -> list[Series]:
    """Return the series of records, from old to new, for contenders that one of the patterns fits."""
    found: dict[tuple[str, str], dict[str, list[Point]]] = {}
    for record in records:
        for row in record.rows:
            wanted = any(fnmatchcase(row.contender, pattern) or row.contender == pattern for pattern in patterns)
            if row.resident is None or not wanted:
                continue
            point = Point(datetime.fromisoformat(record.created), _revision(record), row, row.resident)
            series = found.setdefault((_machine(record, row), _question(record)), {})
            series.setdefault(row.contender, []).append(point)
    return [Series(machine, question, points) for (machine, question), points in found.items()]


def _machine(record: RunRecord, row: Row) -> str:
    if row.effective and row.effective.device != "cpu":
        return row.effective.device
    return f"{record.environment.get('cpu') or 'unknown CPU'}, {record.settings.threads} threads"


def _question(record: RunRecord) -> str:
    parts = [f"problem {record.problem.name}", f"{record.dataset.size:,} samples", record.settings.precision]
    parts += ["cold caches"] * record.settings.cold
    return ", ".join([*parts, f"dataset {record.dataset.digest[:8]}"])


def _revision(record: RunRecord) -> str:
    git = record.environment.get("git") or {}
    return f"{git.get('commit', '')[:9]}{'+' * bool(git.get('dirty'))}"
