"""``fhnbench run``: measure contenders on one dataset, accuracy against throughput."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhnbench.cli._asked import DEFAULT_SIZE, dataset_of, everything, interrupt_on_sigterm, output_folder
from fhnbench.cli._completion import Contender
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord, Settings
    from fhnbench.workload import Precision

POSITIVE = click.FloatRange(0, min_open=True)


@click.command()
@click.option("--problem", metavar="A|B|C", help="Problem of the standard dataset.  [default: C]")
@click.option(
    "--solver",
    "solvers",
    type=Contender("solver"),
    multiple=True,
    metavar="NAME[...]",
    help="A solver, as 'euler-cpu[dt=0.05]'.",
)
@click.option(
    "--surrogate",
    "surrogates",
    type=Contender("surrogate"),
    multiple=True,
    metavar="NAME[...]",
    help="A surrogate, as 'ddnn-cpu[hidden=64x64]'.",
)
@click.option("-n", "--size", type=click.IntRange(1), help=f"Samples.  [default: {DEFAULT_SIZE}, or the dataset's]")
@click.option(
    "--precision",
    type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
    default="float32",
    show_default=True,
    help="Precision of contenders that name none.",
)
@click.option("--dataset", "file", type=click.Path(path_type=Path), help="Measure on this dataset.")
@click.option("--rounds", type=click.IntRange(1), default=200, show_default=True, help="Most blocks of a contender.")
@click.option("--time-budget", type=POSITIVE, default=20, show_default=True, help="Seconds for all rounds together.")
@click.option("--timeout", type=POSITIVE, default=300, show_default=True, help="Seconds that one answer may take.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads of each contender.  [default: all]")
@click.option("--cold", is_flag=True, help="Empty the caches before each block.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the order of contenders and of inputs.")
@click.option("--max-error", type=POSITIVE, help="Accuracy gate: fail if the MAE of a contender is above.")
@click.option("--extrapolate", is_flag=True, help="Let surrogates run outside their training ranges.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the results.  [default: results/runs/TIME]")
def command(
    problem: str | None,
    solvers: tuple[str, ...],
    surrogates: tuple[str, ...],
    size: int | None,
    file: Path | None,
    output: Path | None,
    **measuring: Any,
) -> int:
    """Measure contenders on the same ensemble, accuracy against throughput.

    Without a name, everything that can run on this machine is measured, but for contenders that are there to be named
    (the peers). A name may be a pattern: --solver '*' measures all solvers, peers included. Results are written to a
    folder: run.json (everything, with raw samples), table.md, table.csv and frontier.png.

    \b
    Exit status:
      0    all ran
      2    wrong usage, one line says what to do
      3    a contender that was named did not run, its row says why
      4    the accuracy gate failed
      130  interrupted, what was measured is written
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fhnbench.measure.session import Session
    from fhnbench.report.files import write_reports
    from fhnbench.report.progress import reporting
    from fhnbench.results.store import write_record

    requests = _requests(solvers, surrogates, measuring["precision"])
    folder = output_folder(output)
    settings = _settings(**measuring)
    dataset = dataset_of(file, problem, size)
    requests = requests or everything(dataset, measuring["precision"])
    latest: list[RunRecord] = []

    def save(record: RunRecord) -> None:
        latest[:] = [record]
        write_record(folder, record)

    interrupt_on_sigterm()
    try:
        with reporting() as report:
            Session(dataset, size or dataset.size, requests, settings, save, report).run()
    except KeyboardInterrupt:
        if latest:
            write_reports(latest[0], folder)
            click.echo(f"Interrupted; what was measured is in {folder}", err=True)
        return ExitStatus.INTERRUPTED
    write_reports(latest[0], folder)
    return _answer(latest[0], folder, named=bool(solvers or surrogates))


def _answer(record: RunRecord, folder: Path, *, named: bool) -> int:
    """Print the table and return the exit status."""
    from fhnbench.report.console import answers
    from fhnbench.report.runs import run_table

    answers().print(run_table(record))
    click.echo(f"Results: {folder}")
    if named and any(row.status != "ran" for row in record.rows):
        return ExitStatus.DID_NOT_RUN
    gate = record.settings.max_error
    if gate is not None and any(row.accuracy and row.accuracy.mae > gate for row in record.rows):
        return ExitStatus.GATE_FAILED
    return ExitStatus.OK


def _requests(solvers: Sequence[str], surrogates: Sequence[str], precision: Precision) -> list[Request]:
    from fhnbench.plugins.contender import requests_matching
    from fhnbench.plugins.registry import registry

    asked = [one for text in solvers for one in requests_matching(text, "solver", registry(), precision)]
    asked += [one for text in surrogates for one in requests_matching(text, "surrogate", registry(), precision)]
    return list({one.label: one for one in asked}.values())


def _settings(**given: Any) -> Settings:
    from fhnbench.measure.environment import usable_cpus
    from fhnbench.results.record import Settings

    given["time_budget_s"], given["timeout_s"] = given.pop("time_budget"), given.pop("timeout")
    return Settings(**{**given, "threads": given["threads"] or usable_cpus()})
