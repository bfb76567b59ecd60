"""Running an experiment: its folder, its record, its table and its picture."""

from __future__ import annotations

import dataclasses
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fhnbench import FhnbenchError, environment, write_whole
from fhnbench_paper.experiment import Context
from fhnbench_paper.record import ExperimentRecord, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench_paper.catalogue import ExperimentSpec
    from fhnbench_paper.experiment import Experiment
    from fhnbench_paper.tables import Table

RECORD_FILE, TABLE_FILE, PICTURE_FILE = "record.json", "table.md", "picture.png"
_WORK_FOLDER = "unfinished"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for.

    Parameters
    ----------
    spec
        The experiment.
    command
        The command that repeats it, for the record.
    output
        Folder of all experiments; each has a folder of its own in it.
    quick, seed, threads
        As in the record.
    overwrite
        Whether a finished record may be replaced.
    """

    spec: ExperimentSpec
    command: str
    output: Path = Path("results", "experiments")
    quick: bool = False
    seed: int = 0
    threads: int = 1
    overwrite: bool = False

    @property
    def folder(self) -> Path:
        """Folder of this experiment."""
        return self.output / self.spec.name


def run(
    asked: Request, experiment: Experiment, report: Callable[[str, float], None] = lambda _what, _fraction: None
) -> ExperimentRecord:
    """Run an experiment and write its record, its table and its picture, each whole; the record comes last.

    What was trained by an experiment that was interrupted is found again by the same command.

    Parameters
    ----------
    asked
        What the user asks for.
    experiment
        The experiment with its settings.
    report
        Called with what is going on and the fraction done.

    Returns
    -------
    ExperimentRecord

    Raises
    ------
    FhnbenchError
        If there is a record already, a file cannot be written, or the experiment lacks something.
    """
    folder = asked.folder
    if (folder / RECORD_FILE).exists() and not asked.overwrite:
        raise FhnbenchError(f"{folder} holds a record; give --overwrite to replace it, or another --output")
    began = time.perf_counter()
    work = folder / _WORK_FOLDER
    resumed = work.exists()
    outcome = experiment.measure(Context(asked.seed, work, report, asked.threads))
    record = ExperimentRecord(
        experiment=asked.spec.name,
        summary=asked.spec.summary,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=asked.command,
        quick=asked.quick,
        seed=asked.seed,
        settings=msgspec.to_builtins(experiment),
        threads=asked.threads,
        seconds=round(time.perf_counter() - began, 1),
        environment=msgspec.to_builtins(environment()),
        figures=msgspec.to_builtins(outcome.figures),
        findings=outcome.findings,
        resumed=resumed,
    )
    write_whole(folder / PICTURE_FILE, outcome.picture)
    write_whole(folder / TABLE_FILE, to_markdown(record, outcome.table))
    write_whole(folder / RECORD_FILE, encode(record))
    shutil.rmtree(work, ignore_errors=True)
    return record


def to_markdown(record: ExperimentRecord, table: Table) -> str:
    """Return figures and findings for a reader."""
    form = "quick form" if record.quick else "full form"
    time_taken = f"{record.seconds:.0f} s{' since it was taken up again' if record.resumed else ''}"
    machine = f"{record.environment['cpu'] or 'unknown CPU'}, {record.threads} threads"
    lines = [
        f"# {record.experiment}",
        "",
        f"{record.summary[0].upper()}{record.summary[1:]}.",
        "",
        f"`{record.command}` ({form}, seed {record.seed}, {time_taken} on {machine}, {record.created[:10]})",
        "",
        table.markdown(),
        "",
        f"![{record.experiment}]({PICTURE_FILE})",
    ]
    for finding in record.findings:
        lines += [
            "",
            f"> {finding.statement}",
            "",
            f"({finding.section})",
            "",
            f"- **Verdict: {finding.verdict}.** {finding.why}",
            f"- Measured: {finding.measurement}",
            f"- Rule: {finding.rule}",
        ]
    return "\n".join(lines) + "\n"
