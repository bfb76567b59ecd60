"""The frontier of a run: which contenders no other beats, and what a method would take between two measured steps."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fhnbench.plugins.options import parse_contender

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhnbench.results.record import Row

ERROR_TIE = 5e-3
"""Errors that differ by less, relatively, are the same: rounding in another order makes such differences."""

IMPOSSIBLE = 1.02
"""A larger part of the roofline means that the declared cost or the timing is wrong; peaks are known to a percent."""

WEAK = 0.25
"""A classical contender that reaches less of its roofline is a weak baseline."""


class Point(NamedTuple):
    """A contender that ran: its time in seconds and its mean absolute error."""

    time_s: float
    mae: float
    row: Row


class Between(NamedTuple):
    """A place on the line between two measured points of one method, on logarithmic scales.

    `share` is the weight of `after`; `setting` is the option and its value there, where both have a number for it.
    """

    before: Point
    after: Point
    share: float
    time_s: float
    mae: float
    setting: tuple[str, float] | None


def method_of(row: Row) -> str:
    """Return the contender's name without options."""
    return parse_contender(row.contender)[0]


def options_of(row: Row) -> dict[str, Any]:
    """Return the options that the contender ran with; of records that hold only its name, those in the name."""
    return dict(row.options) or dict(parse_contender(row.contender)[1])


def is_impossible(row: Row) -> bool:
    """Return whether a contender is above its roofline, which is no achievement but a mistake.

    It is judged by the slow end of its interval: the peaks are measured, too.
    """
    if row.roofline_fraction is None or row.resident is None:
        return False
    return row.roofline_fraction * row.resident.median_s / row.resident.high_s > IMPOSSIBLE


def is_weak(row: Row) -> bool:
    """Return whether a classical contender is far below its roofline: faster code would beat it."""
    known = row.roofline_fraction is not None and not row.disturbed
    return row.kind == "solver" and known and (row.roofline_fraction or 0.0) < WEAK


def flags(row: Row) -> tuple[str, ...]:
    """Return what is wrong with a contender's time, in words: above its roofline, or a baseline far below it."""
    if is_impossible(row):
        return ("above 100% of its roofline: its declared cost or its timing is wrong",)
    if is_weak(row):
        return ("a weak baseline: so far below its roofline that better code would beat it",)
    return ()


def points(rows: Iterable[Row]) -> list[Point]:
    """Return time and error of the rows that ran and can be believed, from fast to slow."""
    found = [
        Point(row.resident.median_s, row.accuracy.mae, row)
        for row in rows
        if row.status == "ran" and row.resident and row.accuracy and not is_impossible(row)
    ]
    return sorted(found, key=lambda point: (point.time_s, point.mae))


def pareto_front(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that no other beats in both time and error, from fast to accurate.

    An error that is smaller only by rounding (`ERROR_TIE`) does not bring a slower contender onto the front.
    """
    return [point.row for point in _front(points(rows))]


def curves(rows: Iterable[Row]) -> list[list[Point]]:
    """Return the points of each method from fast to accurate: rows that differ in what is swept and nothing else.

    A step that is slower than another without being more accurate (rounding takes over) is left out.
    """
    groups: dict[Any, list[Point]] = {}
    for point in points(rows):
        groups.setdefault(_curve(point.row), []).append(point)
    return [_front(group) for group in groups.values()]


def at_error(curve: Sequence[Point], mae: float) -> Between | None:
    """Return where a method has an error; None if its measured points do not span it."""
    for before, after in itertools.pairwise(curve):
        if before.mae > mae > after.mae > 0:
            return _between(before, after, math.log(mae / before.mae) / math.log(after.mae / before.mae))
    return None


def at_time(curve: Sequence[Point], time_s: float) -> Between | None:
    """Return where a method takes a time; None if its measured points do not span it."""
    for before, after in itertools.pairwise(curve):
        if before.time_s < time_s < after.time_s and after.mae > 0:
            share = math.log(time_s / before.time_s) / math.log(after.time_s / before.time_s)
            return _between(before, after, share)
    return None


def _between(before: Point, after: Point, share: float) -> Between:
    def mean(first: float, second: float) -> float:
        return math.exp((1 - share) * math.log(first) + share * math.log(second))

    option = swept(before.row)
    values = [options_of(point.row).get(option) for point in (before, after)]
    first, second = (_number(value) for value in values)
    setting = (option, mean(first, second)) if first and second else None
    return Between(before, after, share, mean(before.time_s, after.time_s), mean(before.mae, after.mae), setting)


def _front(ordered: Sequence[Point]) -> list[Point]:
    front: list[Point] = []
    for point in ordered:
        if not front or point.mae < front[-1].mae * (1 - ERROR_TIE):
            front.append(point)
    return front


def swept(row: Row) -> str:
    """Return the option that a frontier varies: the contender's own declaration, else its step."""
    return row.sweep or "dt"


def _curve(row: Row) -> Any:
    others = {key: value for key, value in options_of(row).items() if key != swept(row)}
    precision = row.effective.precision if row.effective else ""
    artifact = row.artifact.digest if row.artifact else ""
    return method_of(row), precision, artifact, msgspec.json.encode(others, order="sorted")


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if number > 0 and math.isfinite(number) else None
