"""``fhnbench experiment``: list the experiments, or run one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhnbench import reporting
from fhnbench_paper.catalogue import EXPERIMENTS, find
from fhnbench_paper.progress import Lines

if TYPE_CHECKING:
    from fhnbench_paper.record import ExperimentRecord


@click.command(short_help="Run one of the paper's experiments again.")
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Take less than two minutes on two cores.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Of all random numbers.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("results", "experiments"),
    show_default=True,
    metavar="DIR",
    help="Results go to DIR/NAME.",
)
@click.option("--overwrite", is_flag=True, help="Replace the results that are there.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads.")
def command(name: str | None, quick: bool, seed: int, output: Path, overwrite: bool, threads: int) -> None:
    """Run the experiment NAME and judge the paper's statements by its figures; without NAME, list all.

    It writes DIR/NAME: record.json (all figures and settings, the paper's statements, the rules and the verdicts),
    table.md and picture.png. Interrupted, the same command takes up again what was trained.
    """
    if name is None:
        _list()
        return
    from fhnbench_paper.running import Request, run

    spec = find(name)
    experiment = spec.experiment()
    words = ["fhnbench", "experiment", name, *(["--quick"] if quick else [])]
    asked = Request(
        spec=spec,
        command=shlex.join([*words, "--seed", str(seed), "--threads", str(threads)]),
        output=output,
        quick=quick,
        seed=seed,
        threads=threads,
        overwrite=overwrite,
    )
    with reporting(name) as bar:
        report = bar if sys.stderr.isatty() else Lines()
        record = run(asked, experiment.quick() if quick else experiment(), report)
    _answer(record, asked.folder)


def _list() -> None:
    width = max(len(spec.name) for spec in EXPERIMENTS)
    for spec in EXPERIMENTS:
        click.echo(f"{spec.name:{width}}  {spec.summary}")


def _answer(record: ExperimentRecord, folder: Path) -> None:
    for finding in record.findings:
        click.echo(f"{finding.verdict}: {finding.why}\n  the paper ({finding.section}): {finding.statement}")
        click.echo(f"  measured: {finding.measurement}")
    click.echo(f"Results: {folder}")
