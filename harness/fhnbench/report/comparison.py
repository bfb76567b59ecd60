"""A comparison as a table, for the terminal and for files, and in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.console import Group
from rich.text import Text

from fhnbench.report.console import table
from fhnbench.report.markup import csv_table, markdown_table
from fhnbench.report.text import breakable, duration, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from fhnbench.results.compare import Compared, Comparison

COLUMNS = ("contender", "base", "candidate", "change", "95% interval", "speed", "MAE base", "candidate", "accuracy")
_FIGURES = {"base", "candidate", "change", "95% interval", "MAE base"}
_STYLES = {"slower": "red", "worse": "red", "inconclusive": "yellow"}


def comparison_table(comparison: Comparison, title: str) -> RenderableType:
    """Return a comparison for the terminal, with remarks below."""
    rows = table([(column, "right" if column in _FIGURES else "left") for column in COLUMNS], title=title)
    for row in comparison.rows:
        verdicts = [row.speed.verdict if row.speed else "", row.accuracy.verdict if row.accuracy else ""]
        style = next((style for verdict, style in _STYLES.items() if verdict in verdicts), "")
        contender, *figures = cells(row)
        rows.add_row(Text(breakable(contender)), *map(Text, figures), style=style)
    return Group(rows, *map(Text, remarks(comparison)))


def cells(row: Compared) -> tuple[str, ...]:
    """Return the cells of a row, in the order of `COLUMNS`."""
    speed, accuracy = row.speed, row.accuracy
    if not (speed and row.base_s and row.candidate_s):
        return (row.contender, *[""] * (len(COLUMNS) - 1))
    ratio = speed.ratio
    known = ratio.log_error < float("inf")
    errors = (error(accuracy.base_mae), error(accuracy.candidate_mae), accuracy.verdict) if accuracy else ("", "", "")
    return (
        row.contender,
        duration(row.base_s),
        duration(row.candidate_s),
        _change(ratio.value),
        f"{_change(ratio.low)} to {_change(ratio.high)}" if known else "-",
        speed.verdict,
        *errors,
    )


def remarks(comparison: Comparison) -> list[str]:
    """Return what a reader should know besides the figures; what holds for several contenders is said once."""
    said: dict[str, list[str]] = {}
    for row in comparison.rows:
        for remark in (row.reason, *row.notes):
            if remark:
                said.setdefault(remark, []).append(row.contender)
    said["missing in the candidate"] = [name for name in comparison.lost if not _has(comparison, name)]
    found = [f"{', '.join(names)}: {remark}" for remark, names in said.items() if names]
    if powers := [f"{row.contender} {_power(row)}" for row in comparison.rows if _is_inconclusive(row)]:
        found.append(f"Slow-downs that would have been found four times in five: {', '.join(powers)}")
    return found


def summary(comparison: Comparison) -> str:
    """Return the verdict in a sentence."""
    found = {
        "slower": [row.contender for row in comparison.rows if row.speed and row.speed.verdict == "slower"],
        "less accurate": [row.contender for row in comparison.rows if row.accuracy and row.accuracy.verdict == "worse"],
        "no longer measured": list(comparison.lost),
        "inconclusive": [row.contender for row in comparison.rows if _is_inconclusive(row)],
    }
    parts = [f"{what}: {', '.join(names)}" for what, names in found.items() if names]
    return "; ".join(parts) or "no regression"


def to_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    text = markdown_table(COLUMNS, map(cells, comparison.rows))
    return "\n".join([text, *(f"- {remark}" for remark in remarks(comparison)), "", summary(comparison), ""])


def to_csv(comparison: Comparison) -> str:
    """Return a comparison as CSV: full precision, seconds."""
    columns = ["contender", "base_s", "candidate_s", "ratio", "ratio_low", "ratio_high", "threshold", "p_different"]
    columns += ["p_equivalent", "speed", "base_mae", "candidate_mae", "accuracy", "reason"]
    lines = []
    for row in comparison.rows:
        speed, ratio = row.speed, row.speed.ratio if row.speed else None
        lines.append(
            [row.contender, row.base_s, row.candidate_s]
            + [getattr(ratio, name, None) for name in ("value", "low", "high")]
            + [getattr(speed, name, None) for name in ("threshold", "p_different", "p_equivalent", "verdict")]
            + [getattr(row.accuracy, name, None) for name in ("base_mae", "candidate_mae", "verdict")]
            + [row.reason]
        )
    return csv_table(columns, lines)


def to_json(comparison: Comparison) -> str:
    """Return a comparison as JSON, with all that the verdicts were made from."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=1).decode() + "\n"


FORMATS: dict[str, Callable[[Comparison], str]] = {"csv": to_csv, "json": to_json, "markdown": to_markdown}
"""What a comparison can be written as, by name."""


def _change(ratio: float) -> str:
    """Return a change in percent with its sign; a ratio above 10 as such."""
    return f"{ratio - 1:+.1%}" if ratio < 10 else f"{ratio:.3g}x"


def _is_inconclusive(row: Compared) -> bool:
    return row.speed is not None and row.speed.verdict == "inconclusive"


def _power(row: Compared) -> str:
    """Return the least slow-down that a comparison would have found."""
    assert row.speed is not None
    found = row.speed.ratio.detectable()
    return f"{found:.1%}" if found < 10 else "none"


def _has(comparison: Comparison, contender: str) -> bool:
    return any(row.contender == contender for row in comparison.rows)
