"""Rules on many networks: how many there were, how accuracy goes with size, problem and choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fhnbench_paper import statements
from fhnbench_paper.claim import Judgement, RuleClaim
from fhnbench_paper.euler_step import THRESHOLD
from fhnbench_paper.evidence import SWEEP
from fhnbench_paper.sweep_claim import EVERY, FAMILY, SMALL_NEURONS, families, not_measured, sweep_claim
from fhnbench_paper.tables import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.sweep_figures import Problem, Step

CANDIDATES = 800
"""Networks of the paper's study."""

SPREAD, HALF_DECADE = 10.0, 10**0.5
"""The paper's variation at equal size, and what "up to" may miss by."""

SATURATED, LIMITED = 1.5, 2.0
"""A bin of sizes whose median error is within the first factor of the least is as good as the best; size limits
accuracy if the smallest bin's is above it by the second."""

CRUCIAL = 2.0
"""The factor between networks of equal size, as a rule, from which on a choice among them is crucial."""


def candidates(problems: Sequence[Problem]) -> Judgement:
    """Judge whether as many candidates were trained as in the paper."""
    least = min(max((family.trained for family in problem.families), default=0) for problem in problems)
    enough = least >= CANDIDATES
    return Judgement(
        "; ".join(
            f"problem {problem.problem}: {problem.candidates} candidates, trained as "
            + (", ".join(f"{family.family} {family.trained}" for family in problem.families) or "nothing")
            for problem in problems
        ),
        "reproduced" if enough else "not comparable",
        "As many were trained." if enough else f"Our study is smaller: {least} networks.",
    )


def figure_2(problems: Sequence[Problem]) -> Judgement:
    """Judge whether the errors of as many networks were drawn for problems A and C."""
    trained = {problem.problem: family.trained for problem, family in families(problems)}
    if lacking := [name for name in ("A", "C") if name not in trained]:
        return not_measured(f"No {FAMILY} was swept on problem {' and '.join(lacking)}.")
    enough = min(trained["A"], trained["C"]) >= CANDIDATES
    return Judgement(
        "; ".join(f"problem {name}: {count} networks ({FAMILY})" for name, count in trained.items()),
        "reproduced" if enough else "not comparable",
        "It is drawn again." if enough else "It is drawn again, with fewer networks.",
    )


def saturation(problems: Sequence[Problem]) -> Judgement:
    """Judge whether errors fall with size, and no longer from some size on."""
    medians = {
        problem.problem: _medians(problem)
        for problem in problems
        if any(one.family == FAMILY for one in problem.networks)
    }
    if not medians:
        return not_measured("The report holds no networks.")
    points, limited = {}, True
    for name, bins in medians.items():
        least = min(bins.values())
        points[name] = next(place for place, size in enumerate(bins) if bins[size] <= SATURATED * least)
        limited &= next(iter(bins.values())) >= LIMITED * least
    reproduced = limited and all(points[name] < len(bins) - 1 for name, bins in medians.items())
    return Judgement(
        "; ".join(
            f"problem {name}: median MAE by neurons " + ", ".join(f"{size} {number(mae)}" for size, mae in bins.items())
            for name, bins in medians.items()
        ),
        "reproduced" if reproduced else "refuted",
        "Errors fall up to some size, and hardly beyond."
        if reproduced
        else "Size hardly limits accuracy."
        if not limited
        else "Errors fall up to the largest networks.",
    )


def spread(problems: Sequence[Problem]) -> Judgement:
    """Judge the variation at equal neurons and layers."""
    found = {p.problem: family.spread for p, family in families(problems) if family.spread.largest is not None}
    if not found:
        return not_measured("No three networks have equal neurons and layers.")
    largest = max(one.largest or 0.0 for one in found.values())
    reproduced = SPREAD / HALF_DECADE <= largest <= SPREAD * HALF_DECADE
    return Judgement(
        "; ".join(
            f"problem {name}: up to {number(one.largest)}, {number(one.median)} as a rule"
            + (f", {number(one.seeds_largest)} from seed to seed" if one.seeds_largest else "")
            for name, one in found.items()
        ),
        "reproduced" if reproduced else "refuted",
        f"Errors vary by up to a factor of {largest:.3g} at equal size"
        + (", about what the paper has." if reproduced else ", far from what the paper has."),
    )


def choice_matters(problems: Sequence[Problem]) -> Judgement:
    """Judge whether a choice among networks of equal size gains much as a rule."""
    medians = {p.problem: family.spread.median for p, family in families(problems) if family.spread.median is not None}
    if not medians:
        return not_measured("No three networks have equal neurons and layers.")
    crucial = min(medians.values()) >= CRUCIAL
    return Judgement(
        "largest over smallest error at equal size, median: "
        + "; ".join(f"problem {name} {number(median)}" for name, median in medians.items()),
        "reproduced" if crucial else "refuted",
        "At equal size the best is far better than the worst, as a rule."
        if crucial
        else "At equal size the choice gains little, as a rule.",
    )


def no_advantage(problems: Sequence[Problem]) -> Judgement:
    """Judge whether no class and no activation is better than the mean in every problem."""
    better: list[set[str]] = []
    best = []
    for problem, family in families(problems):
        if family.predictors:
            levels = family.predictors.levels
            better.append({f"{one.property} {one.level}" for one in levels if one.factor.high < 1})
            lowest = min(levels, key=lambda one: one.factor.value)
            low, high = lowest.factor.low, lowest.factor.high
            best.append(
                f"problem {problem.problem}: {lowest.level} has {lowest.factor.value:.2f} ({low:.2f} to {high:.2f}) "
                "times the mean error"
            )
    if not better:
        return not_measured("There are too few networks for a regression.")
    consistent = sorted(set.intersection(*better))
    return Judgement(
        "; ".join(best),
        "refuted" if consistent else "reproduced",
        f"Better than the mean throughout: {', '.join(consistent)}."
        if consistent
        else "None is better than the mean in every problem.",
    )


def small_fail(problems: Sequence[Problem]) -> Judgement:
    """Judge whether some small network is accurate on problem A, and none on B and C."""
    best = {
        problem.problem: min(
            (one for one in problem.networks if one.neurons < SMALL_NEURONS), key=lambda one: one.mae, default=None
        )
        for problem in problems
    }
    if lacking := [name for name in ("A", "B", "C") if not best.get(name)]:
        return not_measured(f"No small networks were swept on problem {' and '.join(lacking)}.")
    accurate = {name: bool(one and one.mae < THRESHOLD) for name, one in best.items()}
    reproduced = accurate["A"] and not accurate["B"] and not accurate["C"]
    good = [name for name, yes in accurate.items() if yes]
    return Judgement(
        "the best of them: "
        + "; ".join(
            f"problem {name}: MAE {number(one.mae)} ({one.family}, {one.neurons} neurons)"
            for name, one in best.items()
            if one
        ),
        "reproduced" if reproduced else "refuted",
        f"Some small network has an MAE below {THRESHOLD:g} on problem {' and '.join(good)}."
        if good
        else "No small network is accurate, on any problem.",
    )


def a_to_b(steps: Sequence[Step]) -> Judgement:
    """Judge whether the error of the same architectures grows more from A to B than from B to C."""
    found = {(one.family, one.simpler + one.harder): one.factor for one in steps}
    first, second = found.get((FAMILY, "AB")), found.get((FAMILY, "BC"))
    if not first or not second:
        return not_measured("The same architectures were not swept on problems A, B and C.")
    shown = (
        f"{family} from {pair[0]} to {pair[1]}: {factor.value:.3g} ({factor.low:.3g} to {factor.high:.3g}) times the "
        "error"
        for (family, pair), factor in found.items()
    )
    return Judgement(
        "; ".join(shown),
        "reproduced" if first.low > second.high else "refuted" if first.high < second.low else "not comparable",
        "The error grows more from A to B."
        if first.low > second.high
        else "The error grows more from B to C."
        if first.high < second.low
        else "The intervals overlap.",
    )


def _medians(problem: Problem) -> dict[str, float]:
    """Return the median error of each bin of sizes, by its range of neurons, from small to large."""
    found = [one for one in problem.networks if one.family == FAMILY]
    bins = {size: [one for one in found if one.size == size] for size in sorted({one.size for one in found})}
    return {
        f"{min(one.neurons for one in group)}-{max(one.neurons for one in group)}": float(
            np.median([one.mae for one in group])
        )
        for group in bins.values()
    }


CLAIMS: tuple[Claim, ...] = (
    sweep_claim(
        statements.CANDIDATES,
        f"reproduced if for every problem that was swept some family has at least {CANDIDATES} trained networks; else "
        f"not comparable",
        candidates,
        "selection.png",
    ),
    sweep_claim(
        statements.FIGURE_2,
        f"reproduced if at least {CANDIDATES} {FAMILY}s of problems A and C are drawn; not comparable if fewer",
        figure_2,
        f"errors-{FAMILY}.png",
    ),
    sweep_claim(
        statements.SATURATION,
        f"reproduced if {EVERY}' median MAE in the smallest bin of sizes is at least {LIMITED:g} times the least of "
        f"all bins, and a bin before the last is within {SATURATED:g} times the least; else refuted",
        saturation,
        f"errors-{FAMILY}.png",
    ),
    sweep_claim(
        statements.SPREAD,
        f"reproduced if the largest ratio of MAEs at equal neurons and layers (of at least three {FAMILY}s), over all "
        f"problems, is {SPREAD:g} to half a decade; else refuted",
        spread,
        f"errors-{FAMILY}.png",
    ),
    sweep_claim(
        statements.CHOICE,
        f"reproduced if {EVERY}' ratio of the largest to the smallest MAE at equal neurons and layers has a median of "
        f"at least {CRUCIAL:g}; else refuted",
        choice_matters,
    ),
    sweep_claim(
        statements.NO_ADVANTAGE,
        f"refuted if one class or activation has, in every problem that was swept, a factor on the {FAMILY}s' MAE "
        f"against the mean of all whose 95% interval lies below 1 (regression on size, layers, class and activations); "
        f"else reproduced",
        no_advantage,
        "influences.png",
    ),
    sweep_claim(
        statements.SMALL_FAIL,
        f"reproduced if the most accurate network of fewer than {SMALL_NEURONS} neurons, of any family, has an MAE "
        f"below {THRESHOLD:g} on problem A and not on B and C; else refuted",
        small_fail,
        "times.png",
    ),
    RuleClaim(
        statements.A_TO_B,
        f"reproduced if the median factor on the error of the same architectures ({FAMILY}) from A to B is above that "
        f"from B to C, refuted if below, and not comparable if their 95% intervals overlap",
        lambda evidence: a_to_b(evidence.steps),
        needs=(SWEEP,),
    ),
)
