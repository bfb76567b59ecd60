"""The record of a check, ``conformance.json``: which distributions were checked, with what, and what came out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

import fhnbench
from fhnbench.measure.environment import environment
from fhnbench.testing.outcome import CheckResult
from fhnbench.testing.suite import CHECKS, expecting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhnbench.plugins.contender import Request

CONFORMANCE_SCHEMA = "fhnbench.conformance/1"


class CheckedContender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One contender.

    Parameters
    ----------
    contender
        Name and options.
    distributions
        The distributions that provide it, with their versions.
    expected
        Number of checks that apply to it.
    not_checked
        Why it could not be checked; empty if it was.
    results
        What came out, in the order of the checks.
    """

    contender: str
    distributions: dict[str, str]
    expected: int
    not_checked: str = ""
    results: tuple[CheckResult, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether all checks have a result and none has failed."""
        failed = any(result.status == "failed" for result in self.results)
        return not self.not_checked and not failed and len(self.results) == self.expected


class ConformanceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole check; `tiers` says what each check is about."""

    created: str
    version: str
    problem: str
    environment: dict[str, Any]
    tiers: dict[str, str]
    contenders: tuple[CheckedContender, ...]
    schema: str = CONFORMANCE_SCHEMA


def checked(
    request: Request, results: Iterable[CheckResult], expected: int, expected_failures: Mapping[str, str]
) -> CheckedContender:
    """Return what came out for one contender, in the light of the failures that were expected."""
    distributions = {entry.plugin.distribution: entry.plugin.version for entry in request.entries}
    seen = tuple(expecting(result, expected_failures) for result in results)
    return CheckedContender(request.label, distributions, expected, results=seen)


def conformance_record(problem: str, contenders: Iterable[CheckedContender]) -> ConformanceRecord:
    """Return the record of a check."""
    found = tuple(contenders)
    return ConformanceRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=fhnbench.__version__,
        problem=problem,
        environment=environment({name for one in found for name in one.distributions}),
        tiers={check.name: check.tier for check in CHECKS},
        contenders=found,
    )


def encode(record: ConformanceRecord) -> bytes:
    """Return the JSON text of a record."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)
