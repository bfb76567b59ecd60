"""The commands that measure what the comparison with the paper needs, each run only where its record is missing."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from fhnbench import EVALUATION_SEED, DatasetSpec, contender_availability, dataset_folder, standard_problem
from fhnbench_paper.catalogue import EXPERIMENTS

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
    """

    experiment: tuple[str, ...]
    experiment_s: Mapping[str, float]
    problems: tuple[str, ...]
    size: int
    contenders: tuple[str, ...]
    measuring: tuple[str, ...]
    run_s: float


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
        What it leaves.
    resume
        Arguments that go on with it, where the file is there and no whole record.
    reader
        Name of the step that reads the file, if it is no record.
    """

    name: str
    arguments: tuple[str, ...]
    seconds: float
    file: Path
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
        Step("gpu", ("gpu-check", "--output", str(folder / "gpu")), 480, folder / "gpu" / RUN_FILE),
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
    resume = ("run", "--resume", str(output))
    file = dataset_folder() / DatasetSpec(standard_problem(problem), form.size, "uniform", EVALUATION_SEED).filename
    return (
        Step(f"dataset-{problem}", ("dataset", "build", problem, *size), form.size / 5_000, file, reader=name),
        Step(name, words, form.run_s, output / RUN_FILE, resume),
    )


def missing(planned: Iterable[Step], present: Container[str]) -> tuple[Step, ...]:
    """Return the steps to run: those without a whole record, and what such a step reads if it is not there."""
    steps = tuple(planned)
    lacking = {step.name for step in steps if not step.reader and step.name not in present}
    wanted = [step for step in steps if step.name in lacking or (step.reader in lacking and not step.file.exists())]
    return tuple(
        replace(step, arguments=step.resume) if step.resume and step.file.exists() else step for step in wanted
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

    Parameters
    ----------
    planned
        What to run.
    call
        Runs ``fhnbench`` with some arguments and returns its exit status.
    """
    failed = []
    began, done = time.monotonic(), 0.0
    total = sum(step.seconds for step in planned)
    for number, step in enumerate(planned, 1):
        pace = (time.monotonic() - began) / done if done else 1.0
        click.echo(f"[{number} of {len(planned)}, about {_duration(pace * (total - done))} left]", err=True)
        click.echo(f"$ {step.command}")
        if status := call(step.arguments):
            click.echo(
                f"{step.name} failed with status {status}; its rows will say that they were not measured", err=True
            )
            failed.append(step)
        done += step.seconds
    return tuple(failed)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
