"""Which checks there are, and running them."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhnbench.errors import Unavailable
from fhnbench.plugins.contender import Kind, kind_of
from fhnbench.plugins.registry import registry
from fhnbench.testing.checks import accuracy, contract, cost, executions, inputs, options, samples
from fhnbench.testing.outcome import CheckResult, ConformanceFailure, NotApplicable
from fhnbench.testing.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fhnbench.problem import Problem

BOTH: tuple[Kind, ...] = ("solver", "surrogate")


@dataclass(frozen=True)
class Check:
    """A conformance check.

    Parameters
    ----------
    function
        Takes a `Subject`; raises `ConformanceFailure`, `NotApplicable`, or returns.
    applies_to
        Kinds of contender that it is meant for.
    """

    function: Callable[[Subject], None]
    applies_to: tuple[Kind, ...] = BOTH

    @property
    def name(self) -> str:
        """As tables show it: ``check_batch_sizes`` is ``batch-sizes``."""
        return self.function.__name__.removeprefix("check_").replace("_", "-")

    @property
    def summary(self) -> str:
        """What it checks, in one line."""
        return (self.function.__doc__ or "").splitlines()[0].removeprefix("Check that ").rstrip(".")

    def run(self, subject: Subject) -> CheckResult:
        """Run the check on a subject; whatever the contender raises is a failure of the check."""
        began = time.perf_counter()
        try:
            self.function(subject)
        except NotApplicable as skip:
            return CheckResult(self.name, "skipped", str(skip), time.perf_counter() - began)
        except ConformanceFailure as failure:
            return CheckResult(self.name, "failed", str(failure), time.perf_counter() - began)
        except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything; it is shown, not hidden
            reason = f"raises {type(error).__name__}: {error}".splitlines()[0]
            return CheckResult(self.name, "failed", reason, time.perf_counter() - began)
        return CheckResult(self.name, "passed", "", time.perf_counter() - began)


CHECKS: tuple[Check, ...] = (
    Check(contract.check_interface),
    Check(contract.check_output),
    Check(contract.check_effective),
    Check(contract.check_precision),
    Check(inputs.check_inputs_unmutated),
    Check(inputs.check_fresh_inputs),
    Check(inputs.check_rerun),
    Check(inputs.check_repeatability),
    Check(samples.check_batch_sizes),
    Check(samples.check_permutation),
    Check(executions.check_independent_executions),
    Check(executions.check_output_of_last_run),
    Check(executions.check_close),
    Check(accuracy.check_order, ("solver",)),
    Check(accuracy.check_agreement),
    Check(options.check_unknown_options),
    Check(options.check_numbers),
    Check(options.check_step, ("solver",)),
    Check(cost.check_cost),
)
"""Every check, in the order in which they run: what others stand on comes first."""


def conformance_checks(kind: Kind) -> tuple[Check, ...]:
    """Return the checks that apply to solvers or to surrogates."""
    return tuple(check for check in CHECKS if kind in check.applies_to)


def run_checks(subject: Subject, checks: Iterable[Check] | None = None) -> Iterator[CheckResult]:
    """Run checks in this process, all that apply if none are given; yield each result as it is known."""
    for check in conformance_checks(subject.kind) if checks is None else checks:
        yield check.run(subject)


@dataclass(frozen=True)
class Case:
    """A check of a contender that is looked up when the case is called; for pytest's ``parametrize``.

    Parameters
    ----------
    contender
        Name and options.
    problem
        Problem that it is checked on; None for C.
    check
        The check.
    """

    contender: str
    problem: Problem | None
    check: Check

    @property
    def __name__(self) -> str:
        """Contender and check, where pytest looks for a case's name."""
        return f"{self.contender}-{self.check.name}"

    def __call__(self) -> None:
        """Run the check.

        Raises
        ------
        ConformanceFailure
            If the contender does not conform.
        NotApplicable
            If the check says nothing about it, or it cannot run on this machine.
        """
        self.check.function(_subject(self.contender, self.problem))


def conformance_cases(contender: str, problem: Problem | None = None) -> list[Case]:
    """Return a case for each check that applies to a contender, ready for pytest.

    ::

        @pytest.mark.parametrize("check", conformance_cases("ab2-example"))
        def test_conformance(check):
            check()

    Parameters
    ----------
    contender
        Name and options, as in ``euler-cpu[dt=0.05]``.
    problem
        Problem that it is checked on; C if it is left out.

    Raises
    ------
    FhnbenchError
        If no plugin declares that contender.
    """
    kind = kind_of(contender, registry())
    return [Case(contender, problem, check) for check in conformance_checks(kind)]


@functools.cache
def _subject(contender: str, problem: Problem | None) -> Subject:
    try:
        return Subject.of(contender, problem)
    except Unavailable as reason:
        raise NotApplicable(str(reason)) from None
