"""``fhnbench compare``: whether one side is slower or less accurate than the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fhnbench.asked import contenders_of, dataset_of, everything, interrupt_on_sigterm, output_folder
from fhnbench.cli._numbers import POSITIVE, CpuCount, FiniteRange
from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench.results.compare import Comparison
    from fhnbench.results.record import RunRecord

_MEASURING = {"problem", "file", "size", "precision", "runs", "rounds", "time_budget", "timeout", "threads", "output"}


@click.command()
@click.argument("arguments", nargs=-1, metavar="BASE CANDIDATE | --base REV [CONTENDER...]")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="[PATTERN=]PERCENT",
    help="Change of time that does not matter, as 3% or 'ddnn-*=10%'; later ones win.  [default: 3%]",
)
@click.option(
    "--accuracy-threshold",
    type=FiniteRange(0, 100),
    default=1.0,
    show_default=True,
    metavar="PERCENT",
    help="Change of errors that does not matter.",
)
@click.option(
    "--span",
    type=click.Choice(["resident", "end-to-end"]),
    default="resident",
    show_default=True,
    help="Time to judge.",
)
@click.option("--alpha", type=FiniteRange(0, 0.5, min_open=True), default=0.05, show_default=True)
@click.option("--allow-different-machines", is_flag=True, help="Compare all the same; the difference is printed.")
@click.option("--base", metavar="GIT_REV", help="Measure this revision and the installed one in the same runs.")
@click.option("--problem", metavar="A|B|C", help="With --base: problem of the standard dataset.  [default: C]")
@click.option("--dataset", "file", type=click.Path(path_type=Path), help="With --base: measure on this dataset.")
@click.option("-n", "--size", type=click.IntRange(1), help="With --base: samples.")
@click.option(
    "--precision",
    type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
    default="float32",
    show_default=True,
    help="With --base: precision of contenders that name none.",
)
@click.option(
    "--runs", type=click.IntRange(1), default=6, show_default=True, help="With --base: new processes of each revision."
)
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True, help="With --base: rounds of a run.")
@click.option(
    "--time-budget",
    type=POSITIVE,
    default=120,
    show_default=True,
    help="With --base: seconds for all rounds together.",
)
@click.option("--timeout", type=POSITIVE, default=300, help="With --base: as of run.")
@click.option("--threads", type=CpuCount(), help="With --base: CPU threads of each worker.  [default: all]")
@click.option("--output", type=click.Path(path_type=Path), help="With --base: folder of the records.")
@click.option("--format", "form", metavar="csv|json|markdown", help="Write the comparison in this format.")
def command(
    arguments: tuple[str, ...],
    base: str | None,
    thresholds: tuple[str, ...],
    accuracy_threshold: float,
    allow_different_machines: bool,
    form: str | None,
    **given: Any,
) -> int:
    """Compare two records, or two revisions, contender by contender, in speed and accuracy.

    BASE and CANDIDATE are each a run's folder or run.json, or a folder of several runs of the same contenders: only
    from several runs is it known how much processes differ.

    With --base, a revision of the repository is built beside the installed one, and both are measured in the same runs,
    taking turns, with new processes in each run: what slows the machine down meets both alike. CONTENDERs are measured,
    or all that can run.

    Each contender is faster, slower, equivalent (the change is shown to be below the threshold) or inconclusive; over
    the whole table a false verdict has probability alpha.

    \b
    Exit status:
      0    no regression
      2    wrong usage, one line says what to do
      3    a contender of the base did not run in the candidate
      5    regression in speed
      6    regression in accuracy
      7    inconclusive
      8    the records cannot be compared
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fhnbench.results.compare import Thresholds, compare_records

    limits, write = Thresholds(thresholds), _format(form)
    if base is None:
        _require_recorded()
        sides = _recorded(arguments)
        title = " against ".join(reversed(arguments))
    else:
        sides = _measured(base, arguments, **given)
        title = f"this revision against {base}"
    if not _comparable(*sides, allow_different_machines):
        return ExitStatus.INCOMPARABLE
    comparison = compare_records(*sides, limits, given["span"], given["alpha"], accuracy_threshold / 100)
    for text in limits.unused(row.contender for row in comparison.rows):
        click.echo(f"threshold {text!r} is for none of the contenders", err=True)
    return _answer(comparison, write, title)


def _format(name: str | None) -> Callable[[Comparison], str] | None:
    """Return what writes a comparison in a format; None for the terminal."""
    from fhnbench.report.comparison import FORMATS

    if name is not None and name not in FORMATS:
        raise FhnbenchError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name] if name else None


def _require_recorded() -> None:
    """Raise for options that say how to measure: records have been measured."""
    context = click.get_current_context()
    for parameter in context.command.params:
        typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if typed and parameter.name in _MEASURING:
            raise click.UsageError(f"{parameter.opts[-1]} goes with --base; records are compared as they were measured")


def _recorded(arguments: Sequence[str]) -> tuple[list[RunRecord], list[RunRecord]]:
    from fhnbench.results.collection import read_records

    if len(arguments) != 2:
        raise click.UsageError("give two records, BASE and CANDIDATE, or --base with a revision")
    return read_records(Path(arguments[0])), read_records(Path(arguments[1]))


def _measured(base: str, contenders: Sequence[str], **given: Any) -> tuple[list[RunRecord], list[RunRecord]]:
    """Build the base, measure it beside the installed revision, and return the records of both."""
    from fhnbench.measure.environment import usable_cpus
    from fhnbench.measure.revision import build_revision
    from fhnbench.measure.side_by_side import Question, measure_side_by_side
    from fhnbench.report.progress import reporting
    from fhnbench.results.record import Settings
    from fhnbench.results.store import write_record

    folder = output_folder(given["output"])
    requests = contenders_of(contenders, given["precision"])
    dataset = dataset_of(given["file"], given["problem"], given["size"])
    requests = requests or everything(dataset, given["precision"])
    settings = Settings(
        precision=given["precision"],
        threads=given["threads"] or usable_cpus(),
        rounds=given["rounds"],
        time_budget_s=given["time_budget"],
        timeout_s=given["timeout"],
    )
    interrupt_on_sigterm()
    with reporting(f"building {base}") as report:
        distributions = sorted({entry.plugin.distribution for one in requests for entry in one.entries})
        with build_revision(base, distributions) as revision:
            sides = measure_side_by_side(
                revision,
                Question(dataset, given["size"] or dataset.size, requests),
                settings,
                given["runs"],
                lambda side, number, record: write_record(folder / side / str(number + 1), record),
                report,
            )
    click.echo(f"Records: {folder / 'base'} and {folder / 'candidate'}", err=True)
    return sides["base"], sides["candidate"]


def _comparable(base: list[RunRecord], candidate: list[RunRecord], other_machines: bool) -> bool:
    """Print what differs; return whether the sides can be compared all the same."""
    from fhnbench.results.comparable import differences

    found = differences(base, candidate)
    for difference in found:
        click.echo(str(difference), err=True)
    refused = [difference for difference in found if not (difference.machine and other_machines)]
    if refused and all(difference.machine for difference in refused):
        click.echo("The machines differ; compare all the same with --allow-different-machines", err=True)
    elif refused:
        click.echo("The records cannot be compared", err=True)
    return not refused


def _answer(comparison: Comparison, write: Callable[[Comparison], str] | None, title: str) -> int:
    """Print the comparison and return the exit status."""
    from fhnbench.report.comparison import comparison_table, summary
    from fhnbench.report.console import answers

    if write:
        click.echo(write(comparison), nl=False)
    else:
        answers().print(comparison_table(comparison, title))
        click.echo(f"Verdict: {summary(comparison)}")
    outcomes = {
        ExitStatus.LESS_ACCURATE: comparison.less_accurate,
        ExitStatus.SLOWER: comparison.slower,
        ExitStatus.DID_NOT_RUN: bool(comparison.lost),
        ExitStatus.INCONCLUSIVE: comparison.inconclusive,
    }
    return next((status for status, occurred in outcomes.items() if occurred), ExitStatus.OK)
