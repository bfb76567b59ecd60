"""What a run allows to be said, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.report.text import duration, error, ratio

if TYPE_CHECKING:
    from fhnbench.results.claims import Claim, Configuration, Ratio


def sentences(claim: Claim) -> tuple[str, ...]:
    """Return a claim in words: at matched error, against what papers quote, at equal time, and when it pays."""
    name = f"{claim.surrogate} (MAE {error(claim.mae)}, {duration(claim.time_s)})"
    if claim.verdict == "wrong":
        return (f"{name} is above 100% of its roofline: its declared cost or its timing is wrong; nothing is claimed.",)
    return tuple(filter(None, (_matched(name, claim), _paper(claim), _equal_time(claim), _break_even(claim))))


def configuration(of: Configuration) -> str:
    """Return a classical configuration with how it is known."""
    text = f"{of.contender} (MAE {error(of.mae)}, {duration(of.time_s)}"
    if of.between:
        text += f", interpolated between {of.between[0]} and {of.between[1]}"
        text += f", confirmed by {of.confirmed_by}" if of.confirmed_by else ", not confirmed by a run"
    return text + ")"


def times_as_long(speed_up: Ratio) -> str:
    """Return a ratio of times in words, with its interval."""
    if speed_up.value < 1:
        value, low, high, what = 1 / speed_up.value, 1 / speed_up.high, 1 / speed_up.low, "times as long as"
    else:
        value, low, high, what = speed_up.value, speed_up.low, speed_up.high, "times less time than"
    return f"{ratio(value)} [{ratio(low)}, {ratio(high)}] {what}"


def _matched(name: str, claim: Claim) -> str:
    if claim.matched is None or claim.speed_up is None:
        return f"{name}: no classical configuration in this run on {claim.device} reaches its error."
    weak = " That baseline is weak: it is far below its roofline." if claim.matched.weak else ""
    even = " The interval holds 1: neither is shown to be faster." if claim.verdict == "even" else ""
    return (
        f"{name} takes {times_as_long(claim.speed_up)} {configuration(claim.matched)}, the cheapest classical "
        f"configuration that reaches its error.{even}{weak}"
    )


def _paper(claim: Claim) -> str:
    if claim.paper is None or claim.paper_speed_up is None:
        return ""
    ratio = times_as_long(claim.paper_speed_up)
    return f"It takes {ratio} {configuration(claim.paper)}, which papers quote: not at matched error."


def _equal_time(claim: Claim) -> str:
    if claim.equal_time is None or claim.error_ratio is None:
        return "No classical configuration in this run is as fast."
    factor = claim.error_ratio
    compared = f"{ratio(factor)} times less error" if factor >= 1 else f"{ratio(1 / factor)} times the error"
    return f"In the same time {configuration(claim.equal_time)} has {compared}."


def _break_even(claim: Claim) -> str:
    paid = claim.break_even
    if paid is None:
        return ""
    spent = f"data {duration(paid.data_s)}, training {duration(paid.training_s)}, build {duration(paid.build_s)}"
    if paid.ensembles is None:
        return f"It never pays for itself ({spent}): it saves no time."
    return f"It has paid for itself ({spent}) after {paid.ensembles:,} ensembles."
