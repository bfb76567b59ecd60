"""Rules on data and physics, over the figures of the experiments ``data-scarcity`` and ``euler-step``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench_paper import statements
from fhnbench_paper.claim import ExperimentClaim, Judgement, RuleClaim, figures_of
from fhnbench_paper.data_scarcity import DATA_METHOD, PHYSICS_METHOD, SUFFICIENT
from fhnbench_paper.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.data_scarcity import Figures, Scarcity
    from fhnbench_paper.euler_step import Figures as StepFigures
    from fhnbench_paper.evidence import Evidence

_SCARCITY, _STEPS = "experiments/data-scarcity", "experiments/euler-step"

TRUTH_STEP, TRUTH_LIMIT = 0.01, 1e-3
"""The step of the paper's training data, and the MAE below which they can stand for the truth: a tenth of 1e-2."""


def less_data(figures: Figures) -> Judgement:
    """Judge whether the PINN needs fewer points than the DDNN on problem A."""
    needed = {method: _needed(figures, method) for method in (DATA_METHOD, PHYSICS_METHOD)}
    data, physics = needed.values()
    fewer = physics is not None and (data is None or physics < data)
    return Judgement(
        "; ".join(
            f"{method}: {'more points than were tried' if points is None else f'{points} points'}"
            for method, points in needed.items()
        ),
        "reproduced" if fewer else "refuted",
        "The PINN learns problem A from fewer points." if fewer else "The PINN needs as many points as the DDNN.",
    )


def _needed(figures: Figures, method: str) -> int | None:
    """Return the fewest points from which on the MAE of problem A is below `SUFFICIENT`, at the best of the steps."""
    least: dict[int, float] = {}
    for one in figures.errors:
        if (one.problem, one.method) == ("A", method):
            least[one.points] = min(one.median, least.get(one.points, one.median))
    needed = None
    for points in sorted(least, reverse=True):
        if least[points] >= SUFFICIENT:
            break
        needed = points
    return needed


def pinn_justified(figures: Figures) -> Judgement:
    """Judge whether the PINN is better on the smallest training sets, and on the largest not."""
    smallest, largest = _ends(figures)
    better = [_problem(pair) for pair in smallest if _ratio(pair) > 1]
    still = [_problem(pair) for pair in largest if _ratio(pair) > 1]
    reproduced = len(better) == len(smallest) and not still
    return Judgement(
        "; ".join(map(_in_words, (*smallest, *largest))),
        "reproduced" if reproduced else "refuted",
        "The PINN is better with the fewest data, and worse with the most."
        if reproduced
        else f"The PINN is better with the most data, too (problem {' and '.join(still)})."
        if still
        else "The PINN is no better where data are scarcest.",
    )


def convergence(figures: Figures) -> Judgement:
    """Judge whether the PINN is behind the DDNN after as many steps on the same, large training set."""
    _, largest = _ends(figures)
    slower = all(_ratio(pair) < 1 for pair in largest)
    return Judgement(
        "; ".join(f"{_in_words(pair)}, after {pair[0].steps:,} steps" for pair in largest),
        "reproduced" if slower else "refuted",
        "After as many steps the PINN has the larger error."
        if slower
        else "After as many steps the PINN has no larger error everywhere.",
    )


def simulate_instead(figures: Figures) -> Judgement:
    """Judge whether the best DDNN, with as many data as it likes, beats the best PINN."""
    best: dict[str, list[Scarcity]] = {}
    for problem in dict.fromkeys(one.problem for one in figures.errors):
        best[problem] = [
            min((one for one in figures.errors if (one.problem, one.method) == (problem, method)), key=_median)
            for method in (DATA_METHOD, PHYSICS_METHOD)
        ]
    wins = all(data.median < physics.median for data, physics in best.values())
    return Judgement(
        "; ".join(
            f"problem {problem}: "
            + ", ".join(f"{one.method} {number(one.median)} ({one.points:,} points)" for one in two)
            for problem, two in best.items()
        ),
        "reproduced" if wins else "refuted",
        "More data lead further than physics does." if wins else "With physics the error falls further than with data.",
    )


def truth(figures: StepFigures) -> Judgement:
    """Judge whether Euler's method with the paper's small step can stand for the truth."""
    maes = {
        curve.problem: error.mae
        for curve in figures.curves
        for error in curve.errors
        if curve.method == "euler" and error.dt == TRUTH_STEP
    }
    if not maes:
        return Judgement(
            f"the record holds no step of {TRUTH_STEP:g}", "not measured", f"No step of {TRUTH_STEP:g} was measured."
        )
    fit = all(mae is not None and mae < TRUTH_LIMIT for mae in maes.values())
    return Judgement(
        "; ".join(f"problem {problem}: MAE {number(mae)}" for problem, mae in maes.items()),
        "reproduced" if fit else "refuted",
        "It can be trained on and validated against down to about 1e-3, and not below."
        if fit
        else "Its own error is no longer small against those that are measured with it.",
    )


def _ends(figures: Figures) -> tuple[list[tuple[Scarcity, Scarcity]], list[tuple[Scarcity, Scarcity]]]:
    """Return DDNN and PINN on the smallest and on the largest training set of each problem."""
    pairs = figures.pairs()
    smallest = {_problem(pair): pair for pair in reversed(pairs)}
    largest = {_problem(pair): pair for pair in pairs}
    return list(smallest.values()), list(largest.values())


def _problem(pair: tuple[Scarcity, Scarcity]) -> str:
    return pair[0].problem


def _ratio(pair: tuple[Scarcity, Scarcity]) -> float:
    return pair[0].median / pair[1].median


def _median(one: Scarcity) -> float:
    return one.median


def _in_words(pair: tuple[Scarcity, Scarcity]) -> str:
    data, physics = pair
    return f"problem {data.problem}, {data.points:,} points: DDNN {number(data.median)}, PINN {number(physics.median)}"


def _scarcity(judge: Callable[[Figures], Judgement]) -> Callable[[Evidence], Judgement]:
    return lambda evidence: judge(figures_of(evidence.experiments[_SCARCITY].record))


def _scarcity_claim(statement: statements.Statement, rule: str, judge: Callable[[Figures], Judgement]) -> RuleClaim:
    return RuleClaim(statement, rule, _scarcity(judge), needs=(_SCARCITY,), pictures=(f"{_SCARCITY}/picture.png",))


CLAIMS: tuple[Claim, ...] = (
    ExperimentClaim(statements.PINN_GAIN, "data-scarcity"),
    ExperimentClaim(statements.ABUNDANCE, "data-scarcity"),
    ExperimentClaim(statements.POINTS, "data-scarcity"),
    ExperimentClaim(statements.EULER_STEP, "euler-step"),
    ExperimentClaim(statements.TRAINING_COST, "training-cost"),
    _scarcity_claim(
        statements.LESS_DATA,
        f"reproduced if the smallest training set of problem A from which on the MAE (median over seeds, the best "
        f"number of steps) stays below {SUFFICIENT:g} has fewer points for the PINN than for the DDNN; else refuted",
        less_data,
    ),
    _scarcity_claim(
        statements.PINN_JUSTIFIED,
        "reproduced if in every problem the PINN's MAE (median over seeds) is below the DDNN's on the smallest "
        "training set and not on the largest, at equal network, batch and steps; else refuted",
        pinn_justified,
    ),
    _scarcity_claim(
        statements.CONVERGENCE,
        "reproduced if in every problem, on the largest training set and after as many steps of as many data, the "
        "PINN's MAE (median over seeds) is above the DDNN's; else refuted",
        convergence,
    ),
    _scarcity_claim(
        statements.SIMULATE_INSTEAD,
        "reproduced if in every problem the least MAE of the DDNN over all training sets (median over seeds) is below "
        "the PINN's; else refuted",
        simulate_instead,
    ),
    RuleClaim(
        statements.TRUTH,
        f"reproduced if in every problem the MAE of Euler's method with a step of {TRUTH_STEP:g} is below "
        f"{TRUTH_LIMIT:g}, a tenth of the error that the paper allows its solver; else refuted",
        lambda evidence: truth(figures_of(evidence.experiments[_STEPS].record)),
        needs=(_STEPS,),
        pictures=(f"{_STEPS}/picture.png",),
    ),
)
