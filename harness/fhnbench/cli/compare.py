"""``fhnbench compare``: whether one side is slower or less accurate than the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from fhnbench.results.compare import Comparison
    from fhnbench.results.record import RunRecord


@click.command()
@click.argument("arguments", nargs=-1, metavar="BASE CANDIDATE")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="[PATTERN=]PERCENT",
    help="Change of time that does not matter, as 3% or 'ddnn-*=10%'; later ones win.  [default: 3%]",
)
@click.option(
    "--accuracy-threshold",
    type=click.FloatRange(0, 100),
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
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True)
@click.option("--allow-different-machines", is_flag=True, help="Compare all the same; the difference is printed.")
@click.option("--format", "form", metavar="csv|json|markdown", help="Write the comparison in this format.")
def command(
    arguments: tuple[str, ...],
    thresholds: tuple[str, ...],
    accuracy_threshold: float,
    span: str,
    alpha: float,
    allow_different_machines: bool,
    form: str | None,
) -> int:
    """Compare two records, contender by contender, in speed and accuracy.

    BASE and CANDIDATE are each a run's folder or run.json, or a folder of several runs of the same contenders: only
    from several runs is it known how much processes differ.

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
    from fhnbench.results.collection import read_records
    from fhnbench.results.compare import Thresholds, compare_records

    limits = Thresholds(thresholds)
    if len(arguments) != 2:
        raise click.UsageError("give two records, BASE and CANDIDATE")
    base, candidate = (read_records(Path(text)) for text in arguments)
    if not _comparable(base, candidate, allow_different_machines):
        return ExitStatus.INCOMPARABLE
    comparison = compare_records(base, candidate, limits, span, alpha, accuracy_threshold / 100)  # type: ignore[arg-type]
    return _answer(comparison, form, " against ".join(reversed(arguments)))


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


def _answer(comparison: Comparison, form: str | None, title: str) -> int:
    """Print the comparison and return the exit status."""
    from fhnbench.report.comparison import FORMATS, comparison_table, summary
    from fhnbench.report.console import answers

    if form is None:
        answers().print(comparison_table(comparison, title))
        click.echo(f"Verdict: {summary(comparison)}")
    elif form in FORMATS:
        click.echo(FORMATS[form](comparison), nl=False)
    else:
        raise FhnbenchError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    outcomes = {
        ExitStatus.LESS_ACCURATE: comparison.less_accurate,
        ExitStatus.SLOWER: comparison.slower,
        ExitStatus.DID_NOT_RUN: bool(comparison.lost),
        ExitStatus.INCONCLUSIVE: comparison.inconclusive,
    }
    return next((status for status, occurred in outcomes.items() if occurred), ExitStatus.OK)
