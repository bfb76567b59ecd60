"""How a conformance check ends."""

from __future__ import annotations

import unittest
from typing import Literal

import msgspec

Status = Literal["passed", "failed", "skipped", "expected"]

Tier = Literal["discovery", "contract", "numerics", "honesty", "report"]
"""What a check is about, in the order in which a reviewer would ask."""


class ConformanceFailure(AssertionError):
    """A contender does not do what its interface promises; the message is one line that says what it does."""


class NotApplicable(unittest.SkipTest):
    """A check says nothing about this contender; pytest and unittest show it as skipped, with the reason."""


class CheckResult(msgspec.Struct, frozen=True, tag=True):
    """How one check of one contender ended.

    Parameters
    ----------
    check
        Name of the check.
    status
        ``passed``, ``failed``, ``skipped``, or ``expected``: it failed, as it was said beforehand that it would.
    reason
        One line, empty for a check that passed.
    seconds
        Wall-clock time, compilation included.
    """

    check: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
