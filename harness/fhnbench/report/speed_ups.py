"""The table of a run that compares: each contender with Euler's method, and surrogates at matched error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from fhnbench.report.claims import configuration
from fhnbench.report.console import table
from fhnbench.report.result import ordered
from fhnbench.report.text import breakable, duration, error
from fhnbench.results.claims import claims

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fhnbench.results.claims import Claim, Ratio
    from fhnbench.results.record import Row, RunRecord

COLUMNS = ("contender", "MAE", "time", "roofline", "against Euler 0.1", "at matched error")


def speed_up_table(record: RunRecord) -> RenderableType:
    """Return a table of the contenders of a run, and below it what they are matched with, and why rows are empty.

    ``against Euler 0.1`` is the time of Euler's method with a step of 0.1 on the same device over the contender's,
    which papers quote. ``at matched error`` is that of the cheapest classical configuration that reaches the
    surrogate's error. Ratios of surrogates have their 95% intervals; above 1 the contender is faster.
    """
    found = {claim.surrogate: claim for claim in claims(record)}
    euler_s = {claim.device: claim.paper.time_s for claim in found.values() if claim.paper}
    rows = table([(column, "left" if column == "contender" else "right") for column in COLUMNS])
    for row in ordered(record.rows):
        contender, *figures = cells(row, found.get(row.contender), euler_s)
        rows.add_row(Text(breakable(contender)), *map(Text, figures), style="" if row.status == "ran" else "yellow")
    remarks = [
        f"{claim.surrogate}: matched with {configuration(claim.matched)}" for claim in found.values() if claim.matched
    ]
    remarks += [f"{row.contender}: {row.reason}" for row in ordered(record.rows) if row.reason]
    return Group(rows, *map(Text, remarks))


def cells(row: Row, claim: Claim | None, euler_s: dict[str, float]) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `COLUMNS`.

    Parameters
    ----------
    row
        A contender.
    claim
        What the run says about it, if it is a surrogate.
    euler_s
        Time of Euler's method with a step of 0.1, in seconds, by device.
    """
    if not (row.errors and row.resident and row.effective):
        return (row.contender, "", row.status.replace("_", " "), "", "", "")
    time_s = row.resident.median_s
    roofline = f"{row.roofline_fraction:.0%}" if row.roofline_fraction is not None else ""
    if not row.accuracy:  # another output, which is compared with nothing here
        return (row.contender, "", duration(time_s), roofline, "", "")
    paper = f"{euler_s[row.effective.device] / time_s:.2f}" if row.effective.device in euler_s else ""
    matched = ""
    if claim:
        paper = interval(claim.paper_speed_up)
        matched = interval(claim.speed_up) or claim.verdict
    return (row.contender, error(row.accuracy.mae), duration(time_s), roofline, paper, matched)


def interval(of: Ratio | None) -> str:
    """Return a ratio of times with its interval."""
    return f"{of.value:.2f} [{of.low:.2f}, {of.high:.2f}]" if of else ""
