"""The whole record, as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.results.store import encode

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def export(record: RunRecord) -> str:
    """Return the record as JSON."""
    return encode(record) + "\n"
