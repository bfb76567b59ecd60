"""The result of `fhnbench check` as a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from rich.console import Group
from rich.text import Text

from fhnbench.report.console import table
from fhnbench.testing.outcome import Status
from fhnbench.testing.suite import CHECKS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fhnbench.testing.conformance import CheckedContender

_STYLES = {"passed": "green", "failed": "red", "skipped": "yellow", "expected": "yellow"}


def conformance_table(title: str, checked: CheckedContender) -> RenderableType:
    """Return a row for each check, tier after tier, and below how many ran of how many, and how they ended."""
    tiers = {check.name: check.tier for check in CHECKS}
    rows = table(["check", "tier", "result", "reason"], title=title)
    for result in checked.results:
        style = _STYLES[result.status]
        rows.add_row(result.check, tiers[result.check], Text(result.status, style=style), Text(result.reason))
    count = Counter(result.status for result in checked.results)
    ran = len(checked.results) - count["skipped"]
    outcome = ", ".join(f"{count[status]} {status}" for status in get_args(Status) if count[status])
    return Group(rows, Text(f"{ran} of {checked.expected} checks ran: {outcome}"))
