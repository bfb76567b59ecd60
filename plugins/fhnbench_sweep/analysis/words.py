"""What an analysis says, in sentences, each beside what the paper says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhnbench_sweep.analysis.record import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench_sweep.analysis.record import Analysis, Anova, Bounded, FamilyAnalysis, ProblemAnalysis, Variances

SIGNIFICANT = 0.05
"""Adjusted p-values below it are called significant."""


class Sentence(NamedTuple):
    """A verdict: its subject, and what was found."""

    subject: str
    text: str


def sentences(analysis: Analysis) -> Iterator[Sentence]:
    """Yield what the analysis says of each problem and family, and of the problems together."""
    for problem in analysis.problems:
        for family in problem.families:
            for subject, text in _of_family(problem, family):
                yield Sentence(f"{problem.problem}, {family.family}: {subject}", text)
    for step in analysis.steps:
        yield Sentence(
            f"{step.simpler} to {step.harder}, {step.family}",
            f"the same {step.networks} architectures have {between(step.factor)} times the error",
        )


def _of_family(problem: ProblemAnalysis, family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    for factor in ("shape", "size"):
        groups = {f"below {LARGE} neurons": family.anova("small", "log"), "above": family.anova("large", "log")}
        found = [f"{_effect(one, factor)} {where}" for where, one in groups.items() if one]
        if found:
            yield factor, ", ".join(found)
    for one in family.variances:
        if one.scale == "plain":
            yield f"{one.group} networks, variance", _variance(one)
    if family.spread.largest is not None:
        of_seeds = family.spread.seeds_median
        yield (
            "spread at equal size",
            f"up to a factor of {family.spread.largest:.3g}, {family.spread.median:.3g} as a rule"
            + (f"; seeds alone make {of_seeds:.3g}" if of_seeds else ""),
        )
    if family.predictors:
        first, *_ = family.predictors.importances
        text = f"{family.predictors.predicted:.0%} of the variance is predicted, by {first.property} most"
        yield "what predicts the error", f"{text} ({first.loss.value:.0%})"
    if family.speed and problem.euler:
        speed = family.speed
        layers = ", ".join(f"{number} with {layers}" for layers, number in speed.useful_layers.items())
        useful = f" (hidden layers: {layers})" if layers else ""
        text = f"{speed.slower:.0%} are slower than Euler's method with a step of 0.1; "
        text += f"{speed.useful:.1%} are useful: no classical method is as fast and as accurate{useful}"
        yield "speed", text
    bias = family.selection
    text = f"test over validation error is {bias.chosen_ratio:.3g} of the chosen, {bias.all_ratio:.3g} of all"
    if bias.repeats_ratio is not None:
        text += f"; other seeds of the chosen have {bias.repeats_ratio:.3g} times the error"
    yield "selection", text


def _effect(of: Anova, factor: str) -> str:
    effect = of.effect(factor)
    found = "an effect" if effect.p_adjusted < SIGNIFICANT else "no significant effect"
    p = probability(effect.p_adjusted)
    return f"{found} (F = {effect.statistic:.3g}, adjusted p = {p}, {effect.explained:.0%} explained)"


def _variance(one: Variances) -> str:
    return f"{one.between:.2e} between classes, {one.within:.2e} within: a ratio of {between(one.ratio)}"


def between(value: Bounded) -> str:
    """Return an estimate with its interval."""
    return f"{value.value:.3g} [{value.low:.3g}, {value.high:.3g}]"


def probability(p: float) -> str:
    """Return a probability with two digits, or a bound of it."""
    return "<1e-16" if p < 1e-16 else f"{p:.2g}"
