"""Rules on the statistics of many networks: analyses of variance, variances, and what predicts the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench_paper import statements
from fhnbench_paper.claim import Judgement
from fhnbench_paper.sweep_claim import EVERY, FAMILY, SMALL_NEURONS, families, not_measured, sweep_claim
from fhnbench_paper.sweep_figures import LARGE, SMALL
from fhnbench_paper.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.sweep_figures import Effect, Family, Problem

SIGNIFICANT = 0.05
"""Adjusted p-values below it are significant."""

_PLAIN = "in a two-way analysis of variance of the MAE by class and bin of sizes (type II, p-values by Holm)"


def larger_vary_less(problems: Sequence[Problem]) -> Judgement:
    """Judge whether errors of large networks vary less in a bin of sizes."""
    found = {
        p.problem: (family.spread.small, family.spread.large)
        for p, family in families(problems)
        if family.spread.small is not None and family.spread.large is not None
    }
    if not found:
        return not_measured("Small or large networks are missing.")
    less = all(large < small for small, large in found.values())
    return Judgement(
        "variance of the decimal logarithm of the MAE in a bin of sizes: "
        + "; ".join(
            f"problem {name}: {number(small)} small, {number(large)} large" for name, (small, large) in found.items()
        ),
        "reproduced" if less else "refuted",
        "Larger networks vary less." if less else "Larger networks do not vary less throughout.",
    )


def shape_effect(problems: Sequence[Problem]) -> Judgement:
    """Judge whether class has an effect on small networks, and less on large ones."""

    def holds(family: Family) -> bool:
        small, large = (_effect(family, group, "shape") for group in (SMALL, LARGE))
        return small.p_adjusted < SIGNIFICANT and small.statistic > large.statistic

    return _by_f(
        problems,
        "shape",
        holds,
        "Class has an effect on small networks, and less on large ones.",
        "Class has no such effect in every problem.",
    )


def size_effect(problems: Sequence[Problem]) -> Judgement:
    """Judge whether size has an effect on both groups, and more than class on the large."""

    def holds(family: Family) -> bool:
        both = [_effect(family, group, "size") for group in (SMALL, LARGE)]
        dominant = both[1].statistic > _effect(family, LARGE, "shape").statistic
        return dominant and all(one.p_adjusted < SIGNIFICANT for one in both)

    return _by_f(
        problems,
        "size",
        holds,
        "Size has an effect throughout, and dominates that of class in large networks.",
        "Size has no such effect in every problem.",
    )


def _by_f(problems: Sequence[Problem], factor: str, holds: Callable[[Family], bool], yes: str, no: str) -> Judgement:
    wanted = [(group, name) for group in (SMALL, LARGE) for name in ("shape", "size")]
    analysed = [
        (problem, family)
        for problem, family in families(problems)
        if all(family.effect(group, name) for group, name in wanted)
    ]
    if not analysed:
        return not_measured("Small or large networks are too few for an analysis of variance.")
    reproduced = all(holds(family) for _, family in analysed)
    shown = (
        f"problem {problem.problem}: "
        + ", ".join(
            f"{group} F = {effect.statistic:.3g} (p = {effect.p_adjusted:.2g})"
            for group in (SMALL, LARGE)
            for effect in [_effect(family, group, factor)]
        )
        + "".join(
            f", of ranks {group} H = {effect.statistic:.3g} (p = {effect.p_adjusted:.2g})"
            for group in (SMALL, LARGE)
            if (effect := family.effect(group, factor, "ranks"))
        )
        for problem, family in analysed
    )
    return Judgement("; ".join(shown), "reproduced" if reproduced else "refuted", yes if reproduced else no)


def _effect(family: Family, group: str, factor: str) -> Effect:
    found = family.effect(group, factor)
    assert found is not None
    return found


def variances(problems: Sequence[Problem]) -> Judgement:
    """Judge whether classes differ more than networks within them, if small, and less so if large."""
    found = {
        problem.problem: (small, large)
        for problem, family in families(problems)
        if (small := family.variance(SMALL)) and (large := family.variance(LARGE))
    }
    if not found:
        return not_measured("Small or large networks are missing.")
    reproduced = all(
        small.between > small.within and large.between / large.within < small.between / small.within
        for small, large in found.values()
    )
    return Judgement(
        "; ".join(
            f"problem {name}: "
            + ", ".join(f"{one.group} {number(one.between)} between, {number(one.within)} within" for one in both)
            for name, both in found.items()
        ),
        "reproduced" if reproduced else "refuted",
        "Classes of small networks differ more than the networks of a class, and less so if large."
        if reproduced
        else "Networks of one class differ more than the classes do."
        if any(small.between <= small.within for small, _ in found.values())
        else "The variances of large networks do not converge.",
    )


def activations(problems: Sequence[Problem]) -> Judgement:
    """Judge whether activations predict the error better than class and layers do."""
    found = _importances(problems)
    if not found:
        return not_measured("There are too few networks for a regression.")
    most = all(one["activations"] > max(one["class"], one["layers"]) for one in _values(found))
    return Judgement(
        _importances_in_words(found),
        "reproduced" if most else "refuted",
        "Activations predict the error better than class and layers do."
        if most
        else "Activations do not predict the error better than class and layers do in every problem.",
    )


def design_matters(problems: Sequence[Problem]) -> Judgement:
    """Judge whether neurons and activations predict the error, and small networks vary more."""
    found = _importances(problems)
    if not found:
        return not_measured("There are too few networks for a regression.")
    significant = all(one[name][0] > 0 for one in found.values() for name in ("neurons", "activations"))
    smaller = larger_vary_less(problems)
    reproduced = significant and smaller.verdict == "reproduced"
    return Judgement(
        f"{_importances_in_words(found)}; {smaller.measurement}",
        "reproduced" if reproduced else "refuted",
        "Both predict the error, and smaller networks vary more."
        if reproduced
        else "Neurons or activations predict nothing in some problem."
        if not significant
        else smaller.why,
    )


def _importances(problems: Sequence[Problem]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the low end of the interval and the estimate of each property's importance, by problem."""
    return {
        problem.problem: {one.property: (one.loss.low, one.loss.value) for one in family.predictors.importances}
        for problem, family in families(problems)
        if family.predictors
    }


def _values(found: dict[str, dict[str, tuple[float, float]]]) -> list[dict[str, float]]:
    return [{name: value for name, (_, value) in one.items()} for one in found.values()]


def _importances_in_words(found: dict[str, dict[str, tuple[float, float]]]) -> str:
    return "variance no longer predicted without a property: " + "; ".join(
        f"problem {problem}: " + ", ".join(f"{name} {value:.0%}" for name, (_, value) in one.items())
        for problem, one in found.items()
    )


CLAIMS: tuple[Claim, ...] = (
    sweep_claim(
        statements.LARGER_VARY_LESS,
        f"reproduced if {EVERY}' mean variance of the logarithm of the MAE in a bin of sizes is smaller for large "
        f"networks (from {SMALL_NEURONS} neurons on) than for small ones; else refuted",
        larger_vary_less,
        f"errors-{FAMILY}.png",
    ),
    sweep_claim(
        statements.SHAPE_F,
        f"reproduced if, {_PLAIN}, {EVERY}' F of class is significant for small networks and larger than for large "
        f"ones; else refuted",
        shape_effect,
        "residuals.png",
    ),
    sweep_claim(
        statements.SIZE_F,
        f"reproduced if, {_PLAIN}, {EVERY}' F of size is significant for small and for large networks and larger than "
        f"that of class for the large; else refuted",
        size_effect,
        "residuals.png",
    ),
    sweep_claim(
        statements.VARIANCES,
        f"reproduced if {EVERY}' MAE varies more between classes than within them for small networks, and the ratio "
        f"is smaller for large ones; else refuted",
        variances,
    ),
    sweep_claim(
        statements.ACTIVATIONS,
        f"reproduced if {EVERY}' error is predicted by activations more than by class and by layers (variance of the "
        f"logarithm that is no longer predicted when a property is shuffled); else refuted",
        activations,
        "influences.png",
    ),
    sweep_claim(
        statements.DESIGN_MATTERS,
        f"reproduced if {EVERY}' error is predicted by neurons and by activations (95% intervals above 0), and small "
        f"networks vary more than large ones; else refuted",
        design_matters,
        "influences.png",
    ),
)
