"""The times of a sweep's networks, ``measured/times.json``: measured ones, and those of a model for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhnbench import FhnbenchError, write_whole
from fhnbench_sweep.analysis.record import Classical, CostModel, Source

if TYPE_CHECKING:
    from pathlib import Path

TIMES_SCHEMA = "fhnbench.sweep-times/1"
FOLDER, FILE = "measured", "times.json"


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time of one evaluation in seconds, where it comes from, and the operations that are declared for it."""

    seconds: float
    source: Source
    operations: float


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Times of a sweep.

    Parameters
    ----------
    runtime
        What evaluated the networks.
    size, threads, machine
        Samples of an evaluation, CPU threads, and the device.
    created, command
        When and how they were measured.
    classical
        Classical contenders of the same run.
    models
        The model of the networks that were not measured, by family.
    families
        Times by family and candidate.
    disturbed
        How many of the measured times were disturbed by other processes.
    unmeasured
        Why networks that should have been measured were not, by family and candidate.
    """

    problem: str
    runtime: str
    size: int
    threads: int
    machine: str
    created: str
    command: str
    classical: tuple[Classical, ...]
    models: dict[str, CostModel]
    families: dict[str, dict[str, Time]]
    disturbed: int = 0
    unmeasured: dict[str, str] = {}
    schema: str = TIMES_SCHEMA


def write_times(folder: Path, times: Times) -> None:
    """Write the times of the sweep in a folder."""
    write_whole(folder / FOLDER / FILE, msgspec.json.format(msgspec.json.encode(times), indent=1))


def read_times(folder: Path) -> Times | None:
    """Return the times of the sweep in a folder; None if nothing was measured.

    Raises
    ------
    FhnbenchError
        If the file is damaged or of another schema; the message names it.
    """
    file = folder / FOLDER / FILE
    try:
        times = msgspec.json.decode(file.read_bytes(), type=Times)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise FhnbenchError(f"{file}: {error}") from None
    if times.schema != TIMES_SCHEMA:
        raise FhnbenchError(f"{file}: schema {times.schema!r}; this version reads {TIMES_SCHEMA!r}")
    return times
