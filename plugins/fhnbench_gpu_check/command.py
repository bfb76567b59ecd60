"""``fhnbench gpu-check``: conformance and measurements of everything that runs on the GPU."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhnbench import ExitStatus, FhnbenchError, contender_availability, standard_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench import RunRecord
    from fhnbench_gpu_check.plan import Plan

MEASURES_THE_DEVICE = "euler-cuda"
"""If this cannot run, nothing is said about the GPU."""

PROBLEM = "C"

_SLACK_S = 30.0
_ANSWER_S = 150.0
_WORST = (ExitStatus.OK, ExitStatus.DID_NOT_RUN, ExitStatus.GATE_FAILED, ExitStatus.USER_ERROR, ExitStatus.INTERNAL)


@click.command(short_help="Check and measure everything that runs on this machine's NVIDIA GPU.")
@click.option("-n", "--size", type=click.IntRange(1), default=100_000, show_default=True, help="Samples.")
@click.option("--budget", type=click.FloatRange(90), default=450, show_default=True, help="Seconds for everything.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("results", "gpu"),
    show_default=True,
    help="Folder of the record, the tables and the picture.",
)
def command(size: int, budget: float, output: Path) -> int:
    """Check and measure everything that runs on this machine's NVIDIA GPU, on problem C, in less than 8 minutes.

    All contenders are measured in one run, as `fhnbench run` does it, against the peaks of the device, which are probed
    in the same rounds. Then the conformance checks are run on each. What does not fit into the budget is named.

    \b
    Exit status:
      0    all that was planned ran, and all checks have passed
      2    wrong usage, one line says what to do
      3    there is no GPU that can be used, or a contender did not run
      4    a conformance check failed
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if not (device := contender_availability(MEASURES_THE_DEVICE, standard_problem(PROBLEM))).available:
        click.echo(f"gpu-check: {device}", err=True)
        return ExitStatus.DID_NOT_RUN
    refuse_earlier(output)
    planned = planned_here(budget)
    ends = time.monotonic() + budget + _SLACK_S
    statuses = [measure(planned, size, output, ends), *check(planned, ends)]
    show(output)
    return worst(statuses)


def planned_here(budget_s: float) -> Plan:
    """Return what is done on this machine; what is left out is printed with the reason."""
    from fhnbench_gpu_check.plan import TASKS, plan

    reasons = {name: _why_not(name) for name in dict.fromkeys(task.contender for task in TASKS)}
    planned = plan([name for name, reason in reasons.items() if not reason], budget_s)
    for name, reason in reasons.items():
        if reason:
            click.echo(f"{name} is left out: {reason}")
    for task in planned.left_out:
        what = "not checked" if task.action == "check" else "not measured"
        click.echo(f"{task.contender} is {what}: about {task.seconds:.0f} s more than --budget {budget_s:g} allows")
    return planned


def measure(planned: Plan, size: int, output: Path, ends: float) -> ExitStatus:
    """Measure in one run; return the status of `fhnbench run`."""
    return call(run_arguments(planned, size, output), ends)


def run_arguments(planned: Plan, size: int, output: Path) -> list[str]:
    """Return the arguments of `fhnbench` that measure a plan."""
    from fhnbench_gpu_check.plan import ROUNDS_S

    named = [word for task in planned.measured for word in (f"--{task.action}", task.contender)]
    limits = ["--time-budget", f"{ROUNDS_S:g}", "--timeout", f"{_ANSWER_S:g}"]
    return ["run", *named, "--problem", PROBLEM, "--size", str(size), *limits, "--output", str(output)]


def check(planned: Plan, ends: float) -> list[ExitStatus]:
    """Run the conformance checks of one contender after the other, as long as there is time; return their statuses."""
    statuses = []
    for number, task in enumerate(planned.checked, 1):
        if time.monotonic() > ends:
            click.echo(f"{task.contender} was not checked: no time was left; allow more with --budget")
            statuses.append(ExitStatus.DID_NOT_RUN)
            continue
        click.echo(f"checking {number} of {len(planned.checked)}: {task.contender}", err=True)
        statuses.append(call(["check", task.contender, "--problem", PROBLEM], ends))
    return statuses


def call(arguments: Sequence[str], ends: float) -> ExitStatus:
    """Run `fhnbench` in a process of its own, whose output is shown, until a time at most; return its status."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fhnbench", *arguments], check=False, timeout=max(1.0, ends - time.monotonic())
        )
    except subprocess.TimeoutExpired:
        click.echo(f"fhnbench {arguments[0]} was ended: no time was left; allow more with --budget", err=True)
        return ExitStatus.DID_NOT_RUN
    known = {int(status): status for status in ExitStatus}
    return known.get(done.returncode, ExitStatus.INTERNAL)


def show(output: Path) -> None:
    """Print what the record allows to be said; nothing if there is no record."""
    from rich.console import Console

    from fhnbench import read_record, speed_up_table

    try:
        record: RunRecord = read_record(output)
    except FhnbenchError as error:
        click.echo(f"nothing was measured: {error}", err=True)
        return
    console = Console()
    console.print(speed_up_table(record))
    click.echo(f"Results: {output}")


def refuse_earlier(output: Path) -> None:
    """Raise an error if there are results of an earlier run."""
    if (output / "run.json").exists():
        raise FhnbenchError(f"{output} holds a run already; give another --output, or remove it")


def worst(statuses: Sequence[ExitStatus]) -> ExitStatus:
    """Return the status that says the most."""
    return max(statuses, key=_WORST.index, default=ExitStatus.OK)


def _why_not(contender: str) -> str:
    """Return why a contender cannot run here; empty if it can, as far as is known before it is prepared."""
    try:
        availability = contender_availability(contender, standard_problem(PROBLEM))
    except FhnbenchError as error:  # no installed plugin has it
        return str(error)
    return "" if availability.available else str(availability)
