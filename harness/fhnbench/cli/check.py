"""``fhnbench check``: that contenders keep what their interface promises."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from fhnbench.cli._completion import Contender
from fhnbench.cli._numbers import POSITIVE
from fhnbench.errors import FhnbenchError, Refused, Unavailable
from fhnbench.exit_status import ExitStatus
from fhnbench.plugins.checked import stamp
from fhnbench.plugins.contender import every_contender, kind_of, request
from fhnbench.plugins.registry import registry
from fhnbench.problem import standard_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench.plugins.contender import Request
    from fhnbench.problem import Problem
    from fhnbench.testing.conformance import CheckedContender


@click.command()
@click.argument("names", nargs=-1, metavar="NAME...", type=Contender("solver", "surrogate"))
@click.option("--problem", "letter", default="C", show_default=True, metavar="A|B|C", help="Problem to check on.")
@click.option(
    "--timeout",
    type=POSITIVE,
    default=120.0,
    show_default=True,
    help="Seconds that a check may take, compilation included.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write what came out to a JSON file.")
@click.option(
    "--expect-failure",
    "expected",
    multiple=True,
    metavar="CHECK=REASON",
    help="A check that is known to fail, and why; if it passes, that is a failure.",
)
def command(names: tuple[str, ...], letter: str, timeout: float, report: Path | None, expected: tuple[str, ...]) -> int:
    """Check that contenders keep what their interface promises.

    NAME is a solver (euler-cpu), a surrogate on a runtime (ddnn-cpu), either with options (euler-cpu[dt=0.05]), or a
    distribution, for all contenders that it provides and that can run here. Each contender is checked in a process of
    its own. Tables of `fhnbench run` mark contenders of third parties that have not passed on this machine.

    \b
    Exit status:
      0    every check that ran has passed
      2    wrong usage, one line says what to do
      3    a contender could not be checked, one line says why
      4    a check failed, or has no result
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fhnbench.files import write_whole
    from fhnbench.testing.conformance import conformance_record, encode

    if not names:
        raise click.UsageError("name a contender or a distribution to check; fhnbench plugins lists all")
    problem = standard_problem(letter)
    failures = dict(_expected(text) for text in expected)
    requests = [one for name in names for one in _requests(name, problem)]  # a typo is told before anything runs
    _require_known(failures, requests)
    found = [_check(one, problem, timeout, failures) for one in requests]
    if report:
        write_whole(report, encode(conformance_record(problem.name, found)))
    return max(map(_status, found), default=ExitStatus.OK)


def _requests(name: str, problem: Problem) -> list[Request]:
    """Return the contender of a name, or those of a distribution that can run here."""
    distributions = {plugin.distribution for plugin in registry().plugins}
    if name not in distributions:
        return [request(name, kind_of(name, registry()), registry())]
    provided = [
        one
        for one in every_contender(registry())
        if name in {entry.plugin.distribution for entry in one.entries} and one.can_run(problem)
    ]
    if not provided:
        raise FhnbenchError(f"{name} provides nothing that can run here; `fhnbench plugins` says why")
    return provided


def _expected(text: str) -> tuple[str, str]:
    check, _, reason = text.partition("=")
    return check.strip(), reason.strip()


def _require_known(failures: Mapping[str, str], requests: list[Request]) -> None:
    from fhnbench.testing.suite import conformance_checks, require_reasons

    for one in requests:
        require_reasons(failures, conformance_checks(one.kind))


def _check(one: Request, problem: Problem, timeout_s: float, failures: Mapping[str, str]) -> CheckedContender:
    """Check one contender and print its table."""
    from fhnbench.plugins.options import format_contender
    from fhnbench.report.conformance import conformance_table
    from fhnbench.report.console import answers, notices
    from fhnbench.testing.conformance import checked
    from fhnbench.testing.isolated import run_isolated
    from fhnbench.testing.suite import conformance_checks

    name = format_contender(one.name, {**one.selectors, **one.options, "precision": one.precision})
    count = len(conformance_checks(one.kind))
    try:
        with notices().status(f"checking {one.label}"):
            result = checked(one, run_isolated(name, problem, timeout_s), count, failures)
    except (Refused, Unavailable) as reason:
        click.echo(f"{one.label} was not checked: {reason}")
        return msgspec.structs.replace(checked(one, (), count, failures), not_checked=str(reason))
    if result.conforms:
        with contextlib.suppress(FhnbenchError):  # then tables say that it was not checked
            stamp(one)
    answers().print(conformance_table(f"{one.label} on problem {problem.name}", result))
    return result


def _status(found: CheckedContender) -> ExitStatus:
    if found.not_checked:
        return ExitStatus.DID_NOT_RUN
    return ExitStatus.OK if found.conforms else ExitStatus.GATE_FAILED
