"""Rules on which family is accurate, over the networks of runs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from fhnbench_paper import statements
from fhnbench_paper.claim import Judgement, RuleClaim
from fhnbench_paper.networks import FAMILIES, Network, networks
from fhnbench_paper.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.evidence import Evidence

FRONTIERS = ("frontier-A", "frontier-B", "frontier-C")
"""Runs with all artifacts of a problem; at least those of B and C are needed."""

LATE, EARLY, GROWTH = -10, slice(1, 11), 2.0
"""The save points that are late and early, and the growth of the error between them that counts."""


def ddnn_best(found: Sequence[Network]) -> Judgement:
    """Judge whether the most accurate network of every problem is a DDNN."""
    shown, best = [], {}
    for problem, group in _by_problem(found).items():
        least = {
            family: min((one.said.mae for one in group if one.family == family), default=None) for family in FAMILIES
        }
        shown.append(f"problem {problem}: " + ", ".join(f"{family} {number(mae)}" for family, mae in least.items()))
        best[problem] = min(group, key=lambda one: one.said.mae).family
    won = all(family == FAMILIES[0] for family in best.values())
    winners = ", ".join(f"the {family} on problem {problem}" for problem, family in best.items())
    return Judgement("; ".join(shown), "reproduced" if won else "refuted", f"The most accurate is {winners}.")


def ddnn_outperforms(found: Sequence[Network]) -> Judgement:
    """Judge whether DDNNs have smaller errors than most others of equal hidden layers."""
    pairs = _pairs(found)
    if not pairs:
        return Judgement("no two of equal hidden layers", "not comparable", "No families were trained alike.")
    won = sum(one.said.mae < other.said.mae for one, other in pairs)
    most = 2 * won > len(pairs)
    shown = (
        f"{one.problem} {_layers(one)}: {one.family} {number(one.said.mae)}, {other.family} {number(other.said.mae)}"
        for one, other in pairs
    )
    return Judgement(
        f"better in {won} of {len(pairs)} pairs ({'; '.join(shown)})",
        "reproduced" if most else "refuted",
        "The DDNN is better in most pairs." if most else "The DDNN is not better in most pairs.",
    )


def data_cost(found: Sequence[Network]) -> Judgement:
    """Judge whether DDNNs, their data included, take less time to prepare than PINNs of equal hidden layers."""
    pairs = [pair for pair in _pairs(found) if pair[1].family == FAMILIES[1]]
    if not pairs:
        return Judgement("no two of equal hidden layers", "not comparable", "No families were trained alike.")
    cheaper = all(one.preparation_s < other.preparation_s for one, other in pairs)
    return Judgement(
        "data and training: "
        + "; ".join(
            f"{one.problem} {_layers(one)}: {one.family} {one.preparation_s:.0f} s, {other.family} "
            f"{other.preparation_s:.0f} s"
            for one, other in pairs
        ),
        "reproduced" if cheaper else "refuted",
        "The DDNN takes less time, its data included." if cheaper else "The DDNN does not always take less time.",
    )


def accumulation(found: Sequence[Network]) -> Judgement:
    """Judge whether the errors of most iterated networks grow over time."""
    growth = {
        one.label: float(np.mean(one.time_maes[LATE:]) / np.mean(one.time_maes[EARLY]))
        for one in found
        if one.family == FAMILIES[2] and len(one.time_maes) > EARLY.stop
    }
    if not growth:
        return Judgement("no errors over time", "not measured", "No run holds the errors of an ITNN over time.")
    growing = sum(value >= GROWTH for value in growth.values())
    most = 2 * growing > len(growth)
    return Judgement(
        "; ".join(f"{label} {value:.2f}" for label, value in growth.items()),
        "reproduced" if most else "refuted",
        f"The errors of {growing} of {len(growth)} ITNNs grow by a factor of {GROWTH:g} or more.",
    )


def _pairs(found: Sequence[Network]) -> list[tuple[Network, Network]]:
    """Return each DDNN with each network of another family that has equal hidden layers, on the same problem."""
    return [
        (one, other)
        for one, other in itertools.product(found, found)
        if one.family == FAMILIES[0] != other.family and (one.problem, one.hidden) == (other.problem, other.hidden)
    ]


def _layers(one: Network) -> str:
    return "x".join(map(str, one.hidden))


def _by_problem(found: Sequence[Network]) -> dict[str, list[Network]]:
    ordered = sorted(found, key=lambda one: one.problem)
    return {problem: list(group) for problem, group in itertools.groupby(ordered, key=lambda one: one.problem)}


def _claim(
    statement: statements.Statement, rule: str, judge: Callable[[Sequence[Network]], Judgement], *pictures: str
) -> RuleClaim:
    def from_records(evidence: Evidence) -> Judgement:
        return judge(networks(evidence.run_records(FRONTIERS)))

    return RuleClaim(statement, rule, from_records, needs=FRONTIERS[1:], also=FRONTIERS[:1], pictures=pictures)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        statements.DDNN_BEST,
        "reproduced if on every problem the network of least MAE is a DDNN; else refuted",
        ddnn_best,
        "frontier-C/frontier.png",
    ),
    _claim(
        statements.DDNN_OUTPERFORMS,
        "reproduced if, of all pairs of a DDNN and a network of another family with equal hidden layers on the same "
        "problem, the DDNN has the smaller MAE in more than half; else refuted; not comparable if there is no pair",
        ddnn_outperforms,
    ),
    _claim(
        statements.DATA_COST,
        "reproduced if, of all pairs of a DDNN and a PINN with equal hidden layers on the same problem, the DDNN takes "
        "less time for data and training in every one; else refuted; not comparable if there is no pair",
        data_cost,
    ),
    _claim(
        statements.ACCUMULATION,
        f"reproduced if, for more than half of the ITNNs, the MAE over the last {-LATE} save points is at least "
        f"{GROWTH:g} times that over the first {EARLY.stop - EARLY.start}; else refuted",
        accumulation,
    ),
)
