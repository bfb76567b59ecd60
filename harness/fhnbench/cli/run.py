"""``fhnbench run``: measure contenders on one dataset, accuracy against throughput."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from fhnbench.asked import (
    DEFAULT_SIZE,
    contenders_of,
    dataset_of,
    interrupt_on_sigterm,
    output_folder,
    planned,
)
from fhnbench.cli._completion import Contender
from fhnbench.cli._numbers import POSITIVE, CpuCount
from fhnbench.cli._resumed import contenders_of_both, earlier_run, settings_of
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench.asked import Measuring
    from fhnbench.results.record import RunRecord

_FIELDS = {"time_budget": "time_budget_s", "timeout": "timeout_s"}


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
@click.option("--time-budget", type=POSITIVE, help="Seconds for all rounds.  [default: 2 a contender, at least 20]")
@click.option("--timeout", type=POSITIVE, default=300, show_default=True, help="Seconds that one answer may take.")
@click.option("--threads", type=CpuCount(), help="CPU threads of each contender.  [default: all]")
@click.option("--cold", is_flag=True, help="Empty the caches before each block.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the order of contenders and of inputs.")
@click.option("--max-error", type=POSITIVE, help="Accuracy gate: fail if the MAE of a contender is above.")
@click.option("--extrapolate", is_flag=True, help="Let surrogates run outside their training ranges.")
@click.option("--frontier", is_flag=True, help="Sweep the steps of solvers and the artifacts of surrogates.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the results.  [default: results/runs/TIME]")
@click.option(
    "--python",
    "interpreters",
    multiple=True,
    metavar="PATTERN=PATH",
    help="Run contenders that match in another Python interpreter.",
)
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Measure what is missing in a run.")
def command(
    problem: str | None,
    solvers: tuple[str, ...],
    surrogates: tuple[str, ...],
    size: int | None,
    file: Path | None,
    output: Path | None,
    resume: Path | None,
    **measuring: Any,
) -> int:
    """Measure contenders on the same ensemble, accuracy against throughput.

    Without a name, everything that can run on this machine is measured, but for contenders that are there to be named
    (the peers). A name may be a pattern: --solver '*' measures all solvers, peers included. Results are written to a
    folder: run.json (everything, with raw samples), table.md, table.csv and frontier.png.

    With --frontier, each solver is measured with several steps and each surrogate with each of its artifacts, and then
    the step at which the cheapest method should have a surrogate's error. With --resume, dataset, settings and
    contenders are those of the run in DIR; contenders that it has finished are kept.

    \b
    Exit status:
      0    all ran
      2    wrong usage, one line says what to do
      3    a contender that was named did not run, its row says why
      4    the accuracy gate failed
      130  interrupted, what was measured is written
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fhnbench.files import require_writable
    from fhnbench.measure.session import Session
    from fhnbench.report.files import write_reports
    from fhnbench.report.progress import reporting
    from fhnbench.results.store import write_record

    interpreters = measuring.pop("interpreters")
    earlier, typed = earlier_run(resume, output), _typed(measuring)
    if earlier:
        problem = earlier.problem.name if problem is None else problem
        size = size or earlier.dataset.size
        measuring["precision"] = earlier.settings.precision
    requests = contenders_of(solvers, measuring["precision"], "solver")
    requests += contenders_of(surrogates, measuring["precision"], "surrogate")
    folder = resume or output_folder(output)
    dataset = dataset_of(file, problem, size)
    size = size or dataset.size
    places = _places(interpreters, earlier)
    if earlier:
        settings = settings_of(earlier, dataset, size, typed)
        requests = contenders_of_both(earlier, requests)
    else:
        given = {_FIELDS.get(name, name): value for name, value in measuring.items()}
        requests, settings = planned(requests, dataset, cast("Measuring", given), places)
    require_writable(folder)
    latest: list[RunRecord] = []

    def save(record: RunRecord) -> None:
        latest[:] = [record]
        write_record(folder, record)

    interrupt_on_sigterm()
    try:
        with reporting() as report:
            session = Session(dataset, size, requests, settings, save, report)
            session.place(places)
            if earlier:
                session.resume(earlier)
            session.run()
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
    click.echo(f"Results: {folder} (a page of them: fhnbench report {folder})")
    if named and _did_not_run(record):
        return ExitStatus.DID_NOT_RUN
    gate = record.settings.max_error
    if gate is not None and any(row.accuracy and row.accuracy.mae > gate for row in record.rows):
        return ExitStatus.GATE_FAILED
    return ExitStatus.OK


def _did_not_run(record: RunRecord) -> bool:
    """Return whether a contender did not run; where its frontier was swept, whether no configuration of it did.

    The longest steps of a sweep may not be stable.
    """
    from fhnbench.results.front import method_of

    ran = {method_of(row) for row in record.rows if row.status == "ran"} if record.settings.frontier else set()
    return any(row.status != "ran" and method_of(row) not in ran for row in record.rows)


def _places(typed: tuple[str, ...], earlier: RunRecord | None) -> dict[str, str]:
    """Return interpreters by the pattern of the contenders that run in them; those of an earlier run stay."""
    from fhnbench.errors import FhnbenchError

    places = dict(word.rpartition("=")[::2] for word in typed)
    if any(not pattern or not path for pattern, path in places.items()):
        raise click.UsageError("--python takes PATTERN=PATH, as 'theirs-*=/opt/theirs/bin/python'")
    if earlier is None:
        return places
    before = earlier.environment.get("interpreters", {})
    if places:
        raise FhnbenchError("a run is resumed in the interpreters that it began in; leave out --python")
    return {pattern: there["interpreter"] for pattern, there in before.items()}


def _typed(measuring: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the user typed."""
    source = click.get_current_context().get_parameter_source
    typed = {name: value for name, value in measuring.items() if source(name) is ParameterSource.COMMANDLINE}
    return {_FIELDS.get(name, name): value for name, value in typed.items()}
