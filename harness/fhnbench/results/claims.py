"""What a run allows to be said about each surrogate: claims at matched error, from the record and nothing else.

A speed-up is a ratio of times at the same error, against the cheapest classical configuration in the record that
reaches it: a measured one, or one between two measured steps of a method, interpolated on logarithmic scales. Where
no classical contender reaches the error there is no number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from fhnbench.results.front import (
    ERROR_TIE,
    Between,
    Point,
    at_error,
    at_time,
    curves,
    is_impossible,
    is_weak,
    method_of,
    options_of,
    points,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench.results.record import Row, RunRecord

PAPER_BASELINE = ("euler", 0.1)
"""The method and the step that papers quote their speed-ups against."""

PREFER_MEASURED = 1.05
"""A measured configuration is quoted instead of an interpolated one that is cheaper by less than this factor."""

CONFIRMED = 1.25
"""A measured configuration within this factor of an interpolated one's time confirms it."""

RESAMPLES = 2000
FEWEST_PAIRS = 5

Verdict = Literal["faster", "slower", "even", "unmatched", "wrong"]


class Ratio(msgspec.Struct, frozen=True):
    """A ratio of times with its bootstrap 95% interval; above 1 the surrogate is faster."""

    value: float
    low: float
    high: float


class Configuration(msgspec.Struct, frozen=True):
    """A classical configuration.

    Parameters
    ----------
    contender
        As `fhnbench run` reads it; of an interpolated one, the method with the option's interpolated value.
    time_s, mae
        Resident time and error.
    roofline_fraction
        Of the slower of the two where it is interpolated; None if it is not known.
    between
        The two measured configurations that it was interpolated between; None if it was measured itself.
    setting
        The swept option and its interpolated value; None if it was measured, or the option has no number.
    confirmed_by
        Of an interpolated one: the measured configuration nearest to it that reaches the error.
    weak
        Whether it lies so far below its roofline that faster code would beat it.
    """

    contender: str
    time_s: float
    mae: float
    roofline_fraction: float | None = None
    between: tuple[str, str] | None = None
    setting: tuple[str, float] | None = None
    confirmed_by: str | None = None
    weak: bool = False


class BreakEven(msgspec.Struct, frozen=True):
    """What a surrogate costs before its first run, and after how many ensembles it has paid.

    `saving_s` is the time that it saves an ensemble against the matched classical configuration; `ensembles` is None
    if it saves none, so that it never pays.
    """

    data_s: float
    training_s: float
    build_s: float
    saving_s: float
    ensembles: int | None


class Claim(msgspec.Struct, frozen=True):
    """What the record says about one surrogate.

    Parameters
    ----------
    surrogate, device, mae, time_s
        Which, where it ran, its error and its resident time. It is compared with classical contenders on that device.
    verdict
        At matched error: ``faster`` or ``slower`` if the interval of the speed-up leaves out 1, else ``even``;
        ``unmatched`` if no classical configuration reaches the error; ``wrong`` if the surrogate is above its
        roofline, where nothing can be claimed.
    matched, speed_up
        The cheapest classical configuration that reaches the error, and its time over the surrogate's.
    paper, paper_speed_up
        Euler's method with a step of 0.1, which papers quote, and its time over the surrogate's: not at matched error.
    equal_time, error_ratio
        The most accurate classical configuration that takes no longer, and the surrogate's error over its.
    break_even
        When the surrogate has paid for its training; None without a matched configuration.
    """

    surrogate: str
    device: str
    mae: float
    time_s: float
    verdict: Verdict
    matched: Configuration | None = None
    speed_up: Ratio | None = None
    paper: Configuration | None = None
    paper_speed_up: Ratio | None = None
    equal_time: Configuration | None = None
    error_ratio: float | None = None
    break_even: BreakEven | None = None


def claims(record: RunRecord) -> tuple[Claim, ...]:
    """Return what a record says about each surrogate that ran, from fast to slow."""
    return tuple(sorted((_claim(*pair) for pair in comparisons(record)), key=lambda claim: claim.time_s))


def comparisons(record: RunRecord) -> list[tuple[Row, list[Row]]]:
    """Return each surrogate that ran, with the classical contenders that ran on the same device."""
    ran = [row for row in record.rows if row.status == "ran" and row.resident and row.accuracy and row.effective]
    return [
        (row, [other for other in ran if other.kind == "solver" and _device(other) == _device(row)])
        for row in ran
        if row.kind == "surrogate"
    ]


def matched_between(row: Row, solvers: Sequence[Row]) -> Between | None:
    """Return where the cheapest method reaches a row's error between two measured steps, if that is cheapest of all.

    None if a measured configuration is as cheap, or nothing reaches the error.
    """
    assert row.accuracy is not None
    target = row.accuracy.mae
    measured = [point for point in points(solvers) if point.mae <= target * (1 + ERROR_TIE)]
    between = [place for curve in curves(solvers) if (place := at_error(curve, target))]
    cheapest = min(between, key=lambda place: place.time_s, default=None)
    if cheapest and measured and measured[0].time_s <= PREFER_MEASURED * cheapest.time_s:
        return None
    return cheapest


def _claim(row: Row, solvers: list[Row]) -> Claim:
    assert row.resident is not None
    assert row.accuracy is not None
    time_s = row.resident.median_s
    if is_impossible(row):
        return Claim(row.contender, _device(row), row.accuracy.mae, time_s, "wrong")
    paper = min((point for point in points(solvers) if _is_paper_baseline(point.row)), default=None)
    equal_time, equal_error = _at_equal_time(time_s, solvers)
    matched, weights = _matched(row, solvers)
    speed_up = _ratio(weights, row) if matched else None
    return Claim(
        surrogate=row.contender,
        device=_device(row),
        mae=row.accuracy.mae,
        time_s=time_s,
        verdict=_verdict(speed_up),
        matched=matched,
        speed_up=speed_up,
        paper=_measured(paper) if paper else None,
        paper_speed_up=_ratio([(paper.row, 1.0)], row) if paper else None,
        equal_time=equal_time,
        error_ratio=row.accuracy.mae / equal_error if equal_error else None,
        break_even=_break_even(row, matched.time_s - time_s) if matched else None,
    )


def _verdict(speed_up: Ratio | None) -> Verdict:
    if speed_up is None:
        return "unmatched"
    return "faster" if speed_up.low > 1 else "slower" if speed_up.high < 1 else "even"


def _matched(row: Row, solvers: Sequence[Row]) -> tuple[Configuration | None, list[tuple[Row, float]]]:
    """Return the cheapest configuration that reaches a row's error, and the rows that its time is made of."""
    assert row.accuracy is not None
    reaching = [point for point in points(solvers) if point.mae <= row.accuracy.mae * (1 + ERROR_TIE)]
    place = matched_between(row, solvers)
    if place is None:
        return (_measured(reaching[0]), [(reaching[0].row, 1.0)]) if reaching else (None, [])
    near = next((point for point in reaching if point.time_s <= CONFIRMED * place.time_s), None)
    return _interpolated(place, near), [(place.before.row, 1 - place.share), (place.after.row, place.share)]


def _at_equal_time(time_s: float, solvers: Sequence[Row]) -> tuple[Configuration | None, float | None]:
    measured = [point for point in points(solvers) if point.time_s <= time_s]
    best = min(measured, key=lambda point: point.mae, default=None)
    between = [place for curve in curves(solvers) if (place := at_time(curve, time_s))]
    place = min(between, key=lambda place: place.mae, default=None)
    if place and (best is None or place.mae < best.mae):
        return _interpolated(place, None), place.mae
    return (_measured(best), best.mae) if best else (None, None)


def _measured(point: Point) -> Configuration:
    row = point.row
    return Configuration(row.contender, point.time_s, point.mae, row.roofline_fraction, weak=is_weak(row))


def _interpolated(place: Between, near: Point | None) -> Configuration:
    rows = place.before.row, place.after.row
    fractions = [row.roofline_fraction for row in rows if row.roofline_fraction is not None]
    return Configuration(
        contender=method_of(rows[0]) + (f"[{place.setting[0]}={place.setting[1]:.3g}]" if place.setting else ""),
        time_s=place.time_s,
        mae=place.mae,
        roofline_fraction=min(fractions, default=None),
        between=(rows[0].contender, rows[1].contender),
        setting=place.setting,
        confirmed_by=near.row.contender if near else None,
        weak=any(is_weak(row) for row in rows),
    )


def _break_even(row: Row, saving_s: float) -> BreakEven | None:
    if row.artifact is None or row.prepare_s is None:
        return None
    paid = row.artifact.data_s + row.artifact.training_s + row.prepare_s
    ensembles = math.ceil(paid / saving_s) if saving_s > 0 else None
    return BreakEven(row.artifact.data_s, row.artifact.training_s, row.prepare_s, saving_s, ensembles)


def _is_paper_baseline(row: Row) -> bool:
    method, step = PAPER_BASELINE
    try:
        return method_of(row).split("-")[0] == method and float(options_of(row)["dt"]) == step
    except (KeyError, TypeError, ValueError):
        return False


def _device(row: Row) -> str:
    return row.effective.device if row.effective else ""


def _ratio(weights: Sequence[tuple[Row, float]], surrogate: Row) -> Ratio:
    """Return the time of classical rows (a product of powers of their medians) over a surrogate's.

    The interval is that of a bootstrap over rounds, the same ones for all rows if they have enough in common: drift of
    the machine meets both and leaves the ratio. Otherwise each row's samples are drawn for themselves.
    """
    rows = [surrogate, *(row for row, _ in weights)]
    powers = np.array([-1.0, *(weight for _, weight in weights)])
    logs = powers @ np.log([row.resident.median_s for row in rows if row.resident])
    low, high = np.quantile(powers @ _deviations(rows), [0.025, 0.975])
    return Ratio(*(float(np.exp(log)) for log in (logs, logs + low, logs + high)))


def _deviations(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return logarithms of resampled medians, relative to the samples' own: ``[rows, resamples]``."""
    random = np.random.default_rng(0)
    by_round = [_by_round(row) for row in rows]
    common = sorted(set.intersection(*(set(times) for times in by_round)))
    if len(common) >= FEWEST_PAIRS:
        samples = [np.array([times[number] for number in common]) for times in by_round]
        picks = random.integers(0, len(common), (RESAMPLES, len(common)))
        drawn = [values[picks] for values in samples]
    else:
        samples = [np.array(row.resident.samples) for row in rows if row.resident]
        drawn = [values[random.integers(0, values.size, (RESAMPLES, values.size))] for values in samples]
    return np.log([np.median(d, axis=1) / np.median(v) for d, v in zip(drawn, samples, strict=True)])


def _by_round(row: Row) -> dict[int, float]:
    """Return the resident samples by the round that they were taken in; nothing where the record does not tell."""
    assert row.resident is not None
    used = [block for block in row.blocks if not block.disturbed] or list(row.blocks)
    if len(used) != len(row.resident.samples):
        return {}
    return {block.round: time for block, time in zip(used, row.resident.samples, strict=True)}
