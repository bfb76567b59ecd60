"""The commands that measure what the comparison with the paper needs, each run only where its record is missing."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from fhnbench import EVALUATION_SEED, DatasetSpec, ExitStatus, contender_availability, dataset_folder, standard_problem
from fhnbench_paper.catalogue import EXPERIMENTS
from fhnbench_paper.evidence import SWEEP
from fhnbench_paper.sweep_figures import ANALYSIS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from pathlib import Path

RUN_FILE = "run.json"
MEASURES_A_GPU = "euler-cuda"
"""If this cannot run, there is no GPU to measure."""


@dataclass(frozen=True, slots=True)
class Form:
    """How much is measured.

    Parameters
    ----------
    experiment
        Arguments of every experiment.
    experiment_s
        About what an experiment takes, by name or else, in seconds on two cores.
    problems, size
        Problems whose networks are measured, on how many samples.
    contenders, measuring
        Arguments of ``fhnbench run``: what is measured, and how.
    run_s
        About what a run takes.
    candidates, training, timing
        Architectures of a sweep, and arguments of ``fhnbench sweep run`` and of ``fhnbench sweep report``.
    sweep_s, report_s
        About what the sweep of a problem takes, and the analysis of all.
    """

    experiment: tuple[str, ...]
    experiment_s: Mapping[str, float]
    problems: tuple[str, ...]
    size: int
    contenders: tuple[str, ...]
    measuring: tuple[str, ...]
    run_s: float
    candidates: int
    training: tuple[str, ...]
    timing: tuple[str, ...]
    sweep_s: float
    report_s: float


FULL = Form(
    experiment=(),
    experiment_s={
        "data-scarcity": 2_400,
        "error-map": 90,
        "euler-step": 60,
        "itnn-failures": 1_300,
        "training-cost": 1_400,
    },
    problems=("A", "B", "C"),
    size=100_000,
    contenders=("--solver", "*-cpu", "--surrogate", "*-cpu"),
    measuring=("--frontier", "--time-budget", "150"),
    run_s=400,
    candidates=800,
    training=("--frontier-seeds", "5"),
    timing=("--measure",),
    sweep_s=1_300,
    report_s=500,
)
_FEW = {"--solver": ("euler-cpu", "midpoint-cpu", "rk3-cpu"), "--surrogate": ("ddnn-cpu", "pinn-cpu", "itnn-cpu")}
QUICK = Form(
    experiment=("--quick",),
    experiment_s={},
    problems=("A", "B", "C"),
    size=10_000,
    contenders=tuple(word for option, names in _FEW.items() for name in names for word in (option, name)),
    measuring=("--rounds", "20", "--time-budget", "10"),
    run_s=40,
    candidates=60,
    training=("--quick",),
    timing=("--measure", "--time-budget", "20"),
    sweep_s=70,
    report_s=300,
)
_EXPERIMENT_S = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """A command that leaves a record.

    Parameters
    ----------
    name
        Name of the record, or of what a later step needs.
    arguments
        Of ``fhnbench``.
    seconds
        About what it takes on two cores.
    file
        What it leaves; None if it is resumed whenever its reader is to be run, and does nothing that was done.
    resume
        Arguments that go on with it, where the file is there and no whole record.
    reader
        Name of the step that reads the file, if it is no record.
    """

    name: str
    arguments: tuple[str, ...]
    seconds: float
    file: Path | None
    resume: tuple[str, ...] = ()
    reader: str = ""

    @property
    def command(self) -> str:
        """The command as a reader would type it."""
        return shlex.join(("fhnbench", *self.arguments))


def steps(folder: Path, form: Form = FULL, threads: int = 1) -> tuple[Step, ...]:
    """Return all steps, in the order in which they are run.

    Parameters
    ----------
    folder
        Folder of the records.
    form
        How much is measured.
    threads
        CPU threads that commands may use.
    """
    return (
        *(_experiment(spec.name, folder, form, threads) for spec in EXPERIMENTS),
        *(step for problem in form.problems for step in _frontier(problem, folder, form, threads)),
        *_sweep(folder, form, threads),
        _gpu(folder / "gpu"),
    )


def _experiment(name: str, folder: Path, form: Form, threads: int) -> Step:
    output = folder / "experiments"
    words = ("experiment", name, *form.experiment, "--output", str(output), "--threads", str(threads))
    return Step(f"experiments/{name}", words, form.experiment_s.get(name, _EXPERIMENT_S), output / name / "record.json")


def _frontier(problem: str, folder: Path, form: Form, threads: int) -> tuple[Step, Step]:
    """Return how the dataset of a problem is built and its networks are measured."""
    size = ("--size", str(form.size))
    name = f"frontier-{problem}"
    output = folder / name
    words = ("run", "--problem", problem, *size, *form.contenders, *form.measuring)
    words += ("--threads", str(threads), "--output", str(output))
    file = dataset_folder() / DatasetSpec(standard_problem(problem), form.size, "uniform", EVALUATION_SEED).filename
    return (
        Step(f"dataset-{problem}", ("dataset", "build", problem, *size), form.size / 5_000, file, reader=name),
        Step(name, words, form.run_s, output / RUN_FILE, _resume(output)),
    )


def _sweep(folder: Path, form: Form, threads: int) -> tuple[Step, ...]:
    """Return how the sweeps of all problems are planned, trained and analysed together."""
    swept = {problem: folder / SWEEP / problem for problem in form.problems}
    where = ("--workers", str(threads)) if threads > 1 else ()  # processes are faster than threads of one
    trained = []
    for problem, output in swept.items():
        plan = folder / SWEEP / f"plan-{problem}.json"
        planning = ("sweep", "plan", "--problem", problem, "--candidates", str(form.candidates), "--output", str(plan))
        training = ("sweep", "run", str(plan), "--output", str(output), *form.training, *where)
        trained += [
            Step(f"plan-{problem}", planning, 20, plan, reader=SWEEP),
            Step(f"sweep-{problem}", training, form.sweep_s, None, reader=SWEEP),
        ]
    report = folder / SWEEP / "report"
    words = ("sweep", "report", *map(str, swept.values()), "--output", str(report), *form.timing, "--overwrite")
    return (*trained, Step(SWEEP, (*words, "--threads", str(threads)), form.report_s, report / ANALYSIS_FILE))


def _gpu(output: Path) -> Step:
    return Step("gpu", ("gpu-check", "--output", str(output)), 480, output / RUN_FILE, _resume(output))


def _resume(output: Path) -> tuple[str, ...]:
    return ("run", "--resume", str(output))


def remedies(planned: Iterable[Step]) -> dict[str, str]:
    """Return by which command each record is made, by its name, in Markdown."""
    steps = tuple(planned)
    readers = {step.reader for step in steps if step.file is None}
    before = ", after `fhnbench sweep plan` and `fhnbench sweep run` for each problem"
    return {step.name: f"`{step.command}`{before if step.name in readers else ''}" for step in steps if not step.reader}


def missing(planned: Iterable[Step], present: Container[str]) -> tuple[Step, ...]:
    """Return the steps to run: those without a whole record, and what such a step reads if it is not there."""
    steps = tuple(planned)
    lacking = {step.name for step in steps if not step.reader and step.name not in present}
    wanted = [
        step
        for step in steps
        if step.name in lacking or (step.reader in lacking and not (step.file and step.file.exists()))
    ]
    return tuple(
        replace(step, arguments=step.resume) if step.resume and step.file and step.file.exists() else step
        for step in wanted
    )


def why_not(step: Step) -> str:
    """Return why a step cannot be run on this machine; empty if it can, as far as is known."""
    if step.name == "gpu":
        availability = contender_availability(MEASURES_A_GPU, standard_problem("C"))
        return "" if availability.available else str(availability)
    return ""


def call(arguments: Sequence[str]) -> int:
    """Run ``fhnbench`` in a process of its own, whose output is shown; return its exit status.

    An interrupted command is waited for: it writes what it has.
    """
    with subprocess.Popen([sys.executable, "-m", "fhnbench", *arguments]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def run_all(planned: Sequence[Step], call: Callable[[Sequence[str]], int] = call) -> tuple[Step, ...]:
    """Run steps one after the other, each announced by its command and the time that is left; return those that failed.

    The time left is estimated from what the steps before took.

    Parameters
    ----------
    planned
        What to run.
    call
        Runs ``fhnbench`` with some arguments and returns its exit status.

    Raises
    ------
    KeyboardInterrupt
        If a command was interrupted.
    """
    failed = []
    began, done = time.monotonic(), 0.0
    total = sum(step.seconds for step in planned)
    for number, step in enumerate(planned, 1):
        pace = (time.monotonic() - began) / done if done else 1.0
        left = timedelta(seconds=round(pace * (total - done)))
        click.echo(f"[{number} of {len(planned)}, about {left} left]", err=True)
        click.echo(f"$ {step.command}")
        if (status := call(step.arguments)) == ExitStatus.INTERRUPTED:
            raise KeyboardInterrupt
        if status:
            click.echo(f"{step.name} ended with status {status}", err=True)
            failed.append(step)
        done += step.seconds
    return tuple(failed)
