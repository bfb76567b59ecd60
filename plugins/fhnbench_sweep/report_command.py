"""``fhnbench sweep report``: the statistics and figures of sweeps."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhnbench import FhnbenchError, import_target, reporting

if TYPE_CHECKING:
    from fhnbench_sweep.analysis.record import Analysis
    from fhnbench_sweep.analysis.study import Study


@click.command(short_help="Analyse what was trained: statistics and figures.")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Where the report goes   [default: DIR/report; of several, a folder report beside them].",
)  # fmt: skip
@click.option("--measure", is_flag=True, help="Time networks and classical methods first; needs the weights.")
@click.option("--runtime", default="cpu", show_default=True, help="What evaluates networks, and solvers beside it.")
@click.option("-n", "--size", default=10_000, show_default=True, type=click.IntRange(1), help="Samples of a timing.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of a timing.")
@click.option(
    "--time-budget", default=120.0, show_default=True, type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="For all rounds of a sweep's timing, without compilation.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the report, and with --measure the times, that are there.")
def command(
    folders: tuple[Path, ...],
    output: Path | None,
    measure: bool,
    overwrite: bool,
    **asked: Any,
) -> None:
    """Analyse the sweeps in DIR..., one for each problem.

    It writes analysis.json, report.md and figures. With --measure, networks on the frontier and others of all sizes are
    timed as `fhnbench run` does it, a model of the time is calibrated for the rest, and DIR/measured keeps all times.
    """
    from fhnbench_sweep.analysis.analyse import analyse
    from fhnbench_sweep.analysis.files import ANALYSIS_FILE, write_report
    from fhnbench_sweep.analysis.study import read_study
    from fhnbench_sweep.analysis.times import read_times

    studies = sorted(map(read_study, folders), key=lambda study: study.plan.problem)
    target = output or (folders[0] / "report" if len(folders) == 1 else folders[0].resolve().parent / "report")
    if (target / ANALYSIS_FILE).exists() and not overwrite:
        raise FhnbenchError(f"{target} holds a report; give --overwrite to replace it, or another --output")
    if measure:
        _measure(studies, overwrite=overwrite, **asked)
    times = {study.plan.problem: found for study in studies if (found := read_times(study.folder))}
    words = ["fhnbench", "sweep", "report", *map(str, folders), *(["--output", str(output)] if output else [])]
    with reporting("analysing") as report:
        analysis = analyse(studies, times, shlex.join(words), report)
        write_report(target, analysis, studies, times, report)
    _answer(analysis, target)


def _measure(
    studies: list[Study], runtime: str, size: int, threads: int, time_budget: float, *, overwrite: bool
) -> None:
    from functools import partial

    from fhnbench_sweep.analysis.measuring import Measurement, measure
    from fhnbench_sweep.analysis.times import write_times

    artifact_of = import_target("fhnbench_sweep.store:artifact_of")
    asked = Measurement(runtime, size, threads, time_budget)
    for study in studies:
        times = measure(study, partial(artifact_of, study.folder), asked, overwrite=overwrite)
        write_times(study.folder, times)


def _answer(analysis: Analysis, target: Path) -> None:
    from fhnbench_sweep.analysis.words import sentences

    for subject, text in sentences(analysis):
        click.echo(f"{subject}: {text}.")
    click.echo(f"Report: {target}")
