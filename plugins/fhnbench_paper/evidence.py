"""The records that the paper is held against, by name: experiments, runs and sweeps in folders laid out as results/."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fhnbench import FhnbenchError, RunRecord, read_record
from fhnbench_paper.record import ExperimentRecord, decode
from fhnbench_paper.sweep_figures import ANALYSIS_FILE, Analysis, read_analysis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fhnbench_paper.sweep_figures import Problem, Step

R = TypeVar("R", bound=ExperimentRecord | RunRecord | Analysis)

SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """A record and the file that it was read from."""

    file: Path
    record: R


@dataclass(frozen=True, slots=True)
class Evidence:
    """Records by name: ``experiments/euler-step``, ``frontier-C``, ``gpu``; analyses of sweeps are called ``sweep``."""

    experiments: Mapping[str, Found[ExperimentRecord]]
    runs: Mapping[str, Found[RunRecord]]
    sweeps: tuple[Found[Analysis], ...] = ()

    def __contains__(self, name: object) -> bool:
        return name in self.experiments or name in self.runs or (name == SWEEP and bool(self.sweeps))

    def __bool__(self) -> bool:
        return bool(self.experiments or self.runs or self.sweeps)

    def found(self, names: Iterable[str]) -> list[tuple[str, Found[Any]]]:
        """Return what there is of some names, in their order; a name may be a pattern, as ``gpu*``."""
        every: list[tuple[str, Found[Any]]] = [*self.experiments.items(), *self.runs.items()]
        every += [(SWEEP, one) for one in self.sweeps]
        return [(name, one) for wanted in names for name, one in every if fnmatchcase(name, wanted)]

    def run_records(self, names: Iterable[str]) -> list[RunRecord]:
        """Return the runs that there are of some names or patterns, in their order."""
        return [one.record for _, one in self.found(names) if isinstance(one.record, RunRecord)]

    @property
    def problems(self) -> list[Problem]:
        """Sweeps of problems; of one that two analyses hold, the first counts."""
        found: dict[str, Problem] = {}
        for one in self.sweeps:
            for problem in one.record.problems:
                found.setdefault(problem.problem, problem)
        return [found[name] for name in sorted(found)]

    @property
    def steps(self) -> list[Step]:
        """Steps from problem to problem that sweeps say something of."""
        return [step for one in self.sweeps for step in one.record.steps]


def read_evidence(folders: Iterable[Path]) -> Evidence:
    """Read all records of some folders; where two hold the same name, the first folder's counts.

    Parameters
    ----------
    folders
        Folders laid out as ``results/``: ``experiments/NAME/record.json``, ``NAME/run.json`` and
        ``sweep/report/analysis.json`` (or ``sweep/NAME/report/analysis.json``).

    Raises
    ------
    FhnbenchError
        If a record is damaged or of another version; the message names the file.
    """
    experiments: dict[str, Found[ExperimentRecord]] = {}
    runs: dict[str, Found[RunRecord]] = {}
    sweeps: list[Found[Analysis]] = []
    for folder in folders:
        for file in sorted(folder.glob("experiments/*/record.json")):
            experiments.setdefault(f"experiments/{file.parent.name}", Found(file, _experiment(file)))
        for file in sorted(folder.glob("*/run.json")):
            record = read_record(file)
            if record.complete:
                runs.setdefault(file.parent.name, Found(file, record))
        files = [folder / SWEEP / "report" / ANALYSIS_FILE, *sorted(folder.glob(f"{SWEEP}/*/report/{ANALYSIS_FILE}"))]
        sweeps += [Found(file, read_analysis(file.parent)) for file in files if file.exists()]
    return Evidence(experiments, runs, tuple(sweeps))


def _experiment(file: Path) -> ExperimentRecord:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise FhnbenchError(f"{file}: {error.strerror}") from None
    except FhnbenchError as error:
        raise FhnbenchError(f"{file}: {error}") from None
