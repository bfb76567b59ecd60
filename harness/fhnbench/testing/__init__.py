"""Conformance checks: what every contender owes, as functions that plugin authors and `fhnbench check` run."""

from fhnbench.testing.conformance import CheckedContender as CheckedContender
from fhnbench.testing.conformance import ConformanceRecord as ConformanceRecord
from fhnbench.testing.outcome import CheckResult as CheckResult
from fhnbench.testing.outcome import ConformanceFailure as ConformanceFailure
from fhnbench.testing.outcome import NotApplicable as NotApplicable
from fhnbench.testing.subject import Subject as Subject
from fhnbench.testing.suite import CHECKS as CHECKS
from fhnbench.testing.suite import Case as Case
from fhnbench.testing.suite import Check as Check
from fhnbench.testing.suite import conformance_cases as conformance_cases
from fhnbench.testing.suite import conformance_checks as conformance_checks
from fhnbench.testing.suite import run_checks as run_checks
