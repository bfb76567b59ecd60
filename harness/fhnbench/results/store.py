"""Reading and writing run records: whole or not at all, and refused by name when they cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.files import write_whole
from fhnbench.results.record import RUN_SCHEMA, RunRecord

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE = "run.json"


class InvalidRecord(FhnbenchError):
    """A file is no run record, or not one that this version reads."""


def encode(record: RunRecord) -> str:
    """Return the JSON text of a record; infinities and NaN cannot occur in it."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode()


def write_record(folder: Path, record: RunRecord) -> Path:
    """Write a record into a folder and return the file."""
    write_whole(folder / RUN_FILE, encode(record))
    return folder / RUN_FILE


def read_record(path: Path) -> RunRecord:
    """Read the record of a folder, or of a file.

    Raises
    ------
    InvalidRecord
        If there is none, it is not JSON, of another schema, or a field is missing or of the wrong type.
    """
    file = path / RUN_FILE if path.is_dir() else path
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRecord(f"{file}: {error.strerror}; a run's folder holds {RUN_FILE}") from None
    try:
        schema = msgspec.json.decode(content, type=dict[str, Any]).get("schema")
        if schema != RUN_SCHEMA:
            raise InvalidRecord(f"{file}: schema {schema!r}; this version reads {RUN_SCHEMA!r}")
        return msgspec.json.decode(content, type=RunRecord)
    except msgspec.MsgspecError as error:
        raise InvalidRecord(f"{file}: not a run record: {error}") from None
