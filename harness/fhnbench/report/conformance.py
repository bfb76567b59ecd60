"""The result of `fhnbench check` as a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from rich.console import Group
from rich.text import Text

from fhnbench.report.console import table
from fhnbench.testing.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from fhnbench.testing.outcome import CheckResult

_STYLES = {"passed": "green", "failed": "red", "skipped": "yellow"}


def conformance_table(title: str, results: Sequence[CheckResult]) -> RenderableType:
    """Return a row for each check, and below how many ran of how many, and how many were skipped."""
    rows = table(["check", "result", "reason"], title=title)
    for result in results:
        rows.add_row(Text(result.check), Text(result.status, style=_STYLES[result.status]), Text(result.reason))
    count = Counter(result.status for result in results)
    ran = count["passed"] + count["failed"]
    outcome = ", ".join(f"{count[status]} {status}" for status in get_args(Status) if count[status])
    return Group(rows, Text(f"{ran} of {len(results)} checks ran: {outcome}"))
