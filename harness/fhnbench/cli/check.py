"""``fhnbench check``: that contenders keep what their interface promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fhnbench.cli._completion import Contender
from fhnbench.errors import Refused, Unavailable
from fhnbench.exit_status import ExitStatus
from fhnbench.plugins.contender import every_contender, kind_of, request
from fhnbench.plugins.registry import registry
from fhnbench.problem import standard_problem

if TYPE_CHECKING:
    from fhnbench.problem import Problem
    from fhnbench.testing.outcome import CheckResult


@click.command()
@click.argument("names", nargs=-1, metavar="NAME...", type=Contender("solver", "surrogate"))
@click.option("--problem", "letter", default="C", show_default=True, metavar="A|B|C", help="Problem to check on.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    show_default=True,
    help="Seconds that a check may take, compilation included.",
)
def command(names: tuple[str, ...], letter: str, timeout: float) -> int:
    """Check that contenders keep what their interface promises.

    NAME is a solver (euler-cpu) or a surrogate on a runtime (ddnn-cpu), with options if need be (euler-cpu[dt=0.05]).
    Each contender is checked in a process of its own.

    \b
    Exit status:
      0    every check that ran has passed
      2    wrong usage, one line says what to do
      3    a contender could not be checked, one line says why
      4    a check failed
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if not names:
        contenders = ", ".join(contender.name for contender in every_contender(registry()))
        raise click.UsageError(f"name a contender to check; there are {contenders or 'none'}")
    problem = standard_problem(letter)
    for name in names:  # what is mistyped is told before anything runs
        request(name, kind_of(name, registry()), registry())
    return max((_check(name, problem, timeout) for name in names), default=ExitStatus.OK)


def _check(name: str, problem: Problem, timeout_s: float) -> ExitStatus:
    """Check one contender and print its table."""
    from fhnbench.report.conformance import conformance_table
    from fhnbench.report.console import answers, notices
    from fhnbench.testing.isolated import run_isolated

    results: list[CheckResult] = []
    try:
        with notices().status(f"checking {name}"):
            results.extend(run_isolated(name, problem, timeout_s))
    except (Refused, Unavailable) as reason:
        click.echo(f"{name} was not checked: {reason}")
        return ExitStatus.DID_NOT_RUN
    answers().print(conformance_table(f"{name} on problem {problem.name}", results))
    return ExitStatus.GATE_FAILED if any(result.status == "failed" for result in results) else ExitStatus.OK
