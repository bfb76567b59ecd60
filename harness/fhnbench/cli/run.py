"""``fhnbench run``: measure contenders on one dataset, accuracy against throughput."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord, Settings
    from fhnbench.workload import Precision

DEFAULT_SIZE = 100_000
POSITIVE = click.FloatRange(0, min_open=True)


@click.command()
@click.option("--problem", metavar="A|B|C", help="Problem of the standard dataset.  [default: C]")
@click.option("--solver", "solvers", multiple=True, metavar="NAME[...]", help="A solver, as 'euler-cpu[dt=0.05]'.")
@click.option(
    "--surrogate", "surrogates", multiple=True, metavar="NAME[...]", help="A surrogate, as 'ddnn-cpu[hidden=64x64]'."
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
    folder = _output_folder(output)
    settings = _settings(**measuring)
    dataset = _dataset(file, problem, size)
    requests = requests or _everything(dataset, measuring["precision"])
    latest: list[RunRecord] = []

    def save(record: RunRecord) -> None:
        latest[:] = [record]
        write_record(folder, record)

    signal.signal(signal.SIGTERM, _interrupt)
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


def _everything(dataset: Dataset, precision: Precision) -> list[Request]:
    """Return all contenders that can run here: solvers with their defaults, surrogates that have an artifact."""
    from fhnbench.plugins.contender import every_contender
    from fhnbench.plugins.registry import registry

    everything = every_contender(registry(), precision)
    found = [one for one in everything if not one.named_only and one.can_run(dataset.problem)]
    if not found:
        raise FhnbenchError("nothing can run here; `fhnbench plugins` says why")
    return found


def _settings(**given: Any) -> Settings:
    from fhnbench.measure.environment import usable_cpus
    from fhnbench.results.record import Settings

    given["time_budget_s"], given["timeout_s"] = given.pop("time_budget"), given.pop("timeout")
    return Settings(**{**given, "threads": given["threads"] or usable_cpus()})


def _dataset(file: Path | None, problem: str | None, size: int | None) -> Dataset:
    """Return the dataset of a file, or the standard one, which is built if it is missing."""
    from fhnbench.dataset.reader import open_dataset
    from fhnbench.dataset.standard import standard_dataset
    from fhnbench.problem import standard_problem
    from fhnbench.report.progress import reporting

    if file is None:
        with reporting("building the dataset") as report:
            path = standard_dataset(standard_problem(problem or "C"), size or DEFAULT_SIZE, progress=report.fraction)
        return open_dataset(path, verify=False)  # which standard_dataset has done
    dataset = open_dataset(file)
    if problem and problem.upper() != dataset.problem.name:
        raise FhnbenchError(f"{file}: holds problem {dataset.problem.name}, not {problem.upper()}; leave out --problem")
    if size and size > dataset.size:
        raise FhnbenchError(f"{file}: holds {dataset.size} samples, not {size}; ask for fewer with -n")
    return dataset


def _output_folder(output: Path | None) -> Path:
    from fhnbench.results.store import RUN_FILE

    folder = output or Path("results", "runs", datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S"))
    if (folder / RUN_FILE).exists():
        raise FhnbenchError(f"{folder} holds a run already; give another --output, or remove it")
    return folder


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
