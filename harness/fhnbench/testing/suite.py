"""Which checks there are, and running them."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from fhnbench.errors import FhnbenchError, Unavailable, one_line
from fhnbench.plugins.contender import Kind, kind_of
from fhnbench.plugins.registry import registry, suggestion
from fhnbench.testing.checks import (
    accuracy,
    contract,
    cost,
    declaration,
    documentation,
    executions,
    features,
    inputs,
    options,
    samples,
)
from fhnbench.testing.outcome import CheckResult, ConformanceFailure, NotApplicable
from fhnbench.testing.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fhnbench.problem import Problem
    from fhnbench.testing.outcome import Tier

BOTH: tuple[Kind, ...] = ("solver", "surrogate")


@dataclass(frozen=True)
class Check:
    """A conformance check.

    Parameters
    ----------
    tier
        What it is about.
    function
        Takes a `Subject`; raises `ConformanceFailure`, `NotApplicable`, or returns.
    applies_to
        Kinds of contender that it is meant for.
    """

    tier: Tier
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
            return CheckResult(self.name, "failed", f"raises {one_line(error)}", time.perf_counter() - began)
        return CheckResult(self.name, "passed", "", time.perf_counter() - began)


CHECKS: tuple[Check, ...] = (
    Check("discovery", declaration.check_declaration),
    Check("contract", contract.check_interface),
    Check("contract", contract.check_output),
    Check("contract", contract.check_effective),
    Check("contract", executions.check_independent_executions),
    Check("contract", executions.check_output_of_last_run),
    Check("contract", executions.check_close),
    Check("contract", options.check_unknown_options),
    Check("contract", options.check_numbers),
    Check("contract", options.check_step, ("solver",)),
    Check("numerics", inputs.check_rerun),
    Check("numerics", inputs.check_repeatability),
    Check("numerics", samples.check_batch_sizes),
    Check("numerics", samples.check_permutation),
    Check("numerics", accuracy.check_order, ("solver",)),
    Check("numerics", accuracy.check_agreement),
    Check("numerics", features.check_features),
    Check("honesty", inputs.check_inputs_unmutated),
    Check("honesty", inputs.check_fresh_inputs),
    Check("honesty", contract.check_precision),
    Check("honesty", executions.check_idle),
    Check("honesty", cost.check_cost),
    Check("report", documentation.check_documentation),
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
    expected
        Why it is known to fail; empty if it must pass.
    """

    contender: str
    problem: Problem | None
    check: Check
    expected: str = ""

    @property
    def __name__(self) -> str:
        """Contender and check, where pytest looks for a case's name."""
        return f"{self.contender}-{self.check.name}"

    def __call__(self) -> None:
        """Run the check.

        Raises
        ------
        ConformanceFailure
            If the contender does not conform, or does where it was expected not to.
        NotApplicable
            If the check says nothing about it, it cannot run on this machine, or it fails as expected.
        """
        subject = _subject(self.contender, self.problem)
        if not self.expected:
            self.check.function(subject)
            return
        result = expecting(self.check.run(subject), {self.check.name: self.expected})
        raise (NotApplicable if result.status in {"expected", "skipped"} else ConformanceFailure)(result.reason)


def expecting(result: CheckResult, expected: Mapping[str, str]) -> CheckResult:
    """Return a result in the light of the failures that were expected, by check: one that does not happen has failed.

    So a remark about a defect goes when the defect is gone.
    """
    reason = expected.get(result.check)
    if reason is None or result.status == "skipped":
        return result
    if result.status == "failed":
        return msgspec.structs.replace(result, status="expected", reason=f"{reason} ({result.reason})")
    return msgspec.structs.replace(result, status="failed", reason=f"passes, and was expected to fail: {reason}")


def require_reasons(expected: Mapping[str, str], checks: Iterable[Check]) -> None:
    """Raise `FhnbenchError` unless failures are expected of checks that there are, each for a reason."""
    names = [check.name for check in checks]
    for name, reason in expected.items():
        if name not in names:
            raise FhnbenchError(f"no check {name!r} to fail; {suggestion(name, names)}")
        if not reason.strip():
            raise FhnbenchError(f"a failure of {name} is expected for no reason; say why")


def conformance_cases(
    contender: str, problem: Problem | None = None, expected_failures: Mapping[str, str] = MappingProxyType({})
) -> list[Case]:
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
    expected_failures
        Checks that are known to fail, each with the reason. One that passes all the same is a failure.

    Raises
    ------
    FhnbenchError
        If no plugin declares that contender, or a failure is expected of no check or for no reason.
    """
    checks = conformance_checks(kind_of(contender, registry()))
    require_reasons(expected_failures, checks)
    return [Case(contender, problem, check, expected_failures.get(check.name, "")) for check in checks]


@functools.cache
def _subject(contender: str, problem: Problem | None) -> Subject:
    try:
        return Subject.of(contender, problem)
    except Unavailable as reason:
        raise NotApplicable(str(reason)) from None
