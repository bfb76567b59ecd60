"""The records that the paper is held against, by name: experiments, runs and sweeps in folders laid out as results/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fhnbench import FhnbenchError, RunRecord, read_record
from fhnbench_paper.record import ExperimentRecord, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

R = TypeVar("R", bound=ExperimentRecord | RunRecord)


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """A record and the file that it was read from."""

    file: Path
    record: R


@dataclass(frozen=True, slots=True)
class Evidence:
    """Records by name: ``experiments/euler-step``, ``frontier-C``, ``gpu``."""

    experiments: Mapping[str, Found[ExperimentRecord]]
    runs: Mapping[str, Found[RunRecord]]

    def __contains__(self, name: object) -> bool:
        return name in self.experiments or name in self.runs

    def found(self, names: Iterable[str]) -> dict[str, Found[Any]]:
        """Return what there is of some names, in their order."""
        every: dict[str, Found[Any]] = {}
        for records in (self.experiments, self.runs):
            every.update(records)
        return {name: every[name] for name in names if name in every}

    def run_records(self, names: Iterable[str]) -> list[RunRecord]:
        """Return the runs that there are of some names."""
        return [self.runs[name].record for name in names if name in self.runs]


def read_evidence(folders: Iterable[Path]) -> Evidence:
    """Read all records of some folders; where two hold the same name, the first folder's counts.

    Parameters
    ----------
    folders
        Folders laid out as ``results/``: ``experiments/NAME/record.json`` and ``NAME/run.json``.

    Raises
    ------
    FhnbenchError
        If a record is damaged or of another version; the message names the file.
    """
    experiments: dict[str, Found[ExperimentRecord]] = {}
    runs: dict[str, Found[RunRecord]] = {}
    for folder in folders:
        for file in sorted(folder.glob("experiments/*/record.json")):
            experiments.setdefault(f"experiments/{file.parent.name}", Found(file, _experiment(file)))
        for file in sorted(folder.glob("*/run.json")):
            record = read_record(file)
            if record.complete:
                runs.setdefault(file.parent.name, Found(file, record))
    return Evidence(experiments, runs)


def _experiment(file: Path) -> ExperimentRecord:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise FhnbenchError(f"{file}: {error.strerror}") from None
    except FhnbenchError as error:
        raise FhnbenchError(f"{file}: {error}") from None
