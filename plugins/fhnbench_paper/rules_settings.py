"""Rules on what the paper sets: whether our recipe ``paper`` and our runs have the same; and what nothing decides."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from fhnbench import PAPER_RECIPE, surrogate_family
from fhnbench_paper import statements
from fhnbench_paper.claim import Judgement, RuleClaim
from fhnbench_paper.rules_speed import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhnbench import Recipe, RunRecord
    from fhnbench_paper.claim import Claim
    from fhnbench_paper.evidence import Evidence

SAMPLES, HORIZON = 100_000, 50.0
"""Samples and time units of the paper's measurements."""

_OPTIMISER = {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "plateau"}
_TRAINING = {"A": 1_000, "B": 10_000, "C": 100_000}
_WEIGHTS = {"data": 1.0, "physics": 1.0, "boundary": 100.0}
_PASSES = {"pass_points": 1}


def same(ours: Mapping[str, Any], paper: Mapping[str, Any], what: str) -> Judgement:
    """Judge whether ours has every value of the paper's."""
    other = [name for name in paper if ours.get(name) != paper[name]]
    return Judgement(
        ", ".join(f"{name} {ours.get(name)}" for name in paper),
        "refuted" if other else "reproduced",
        f"{what} differs in {', '.join(other)}." if other else f"{what} has the paper's values.",
    )


def workload(records: Iterable[RunRecord]) -> Judgement:
    """Judge whether all runs solve as many samples for as long."""
    found = {(record.dataset.size, record.problem.horizon) for record in records}
    if not found:
        return Judgement("no run", "not measured", "Nothing was measured.")
    alike = found == {(SAMPLES, HORIZON)}
    return Judgement(
        "; ".join(f"{size:,} samples over {horizon:g} time units" for size, horizon in sorted(found)),
        "reproduced" if alike else "not comparable",
        "All runs solve as many, for as long." if alike else "Some runs solve other numbers, or for other times.",
    )


def _optimiser(recipe: Recipe) -> Judgement:
    return same({name: getattr(recipe, name) for name in _OPTIMISER}, _OPTIMISER, "The recipe `paper`")


def _training(recipe: Recipe) -> Judgement:
    return same({problem: recipe.fixed_samples(problem) for problem in _TRAINING}, _TRAINING, "The recipe `paper`")


def _family(name: str, paper: Mapping[str, Any]) -> Judgement:
    family: Any = surrogate_family(name)
    ours = {field.name: getattr(family, field.name) for field in dataclasses.fields(family)}
    return same(ours, paper, f"The family `{name}`")


def _opinion(_: Evidence) -> Judgement:
    return Judgement("nothing that could decide it", "not comparable", "It is an outlook, not a figure.")


def _not_varied(_: Evidence) -> Judgement:
    return Judgement("nothing: all records have one pass for each save point", "not measured", "No record varies it.")


_SAME = "reproduced if {} has the paper's values without further options; else refuted"

CLAIMS: tuple[Claim, ...] = (
    RuleClaim(
        statements.HORIZON,
        f"reproduced if all runs solve {SAMPLES:,} samples over {HORIZON:g} time units; else not comparable",
        lambda evidence: workload(evidence.run_records(RUNS)),
        also=RUNS,
    ),
    RuleClaim(statements.OUTLOOK, "not comparable: the paper gives no figure for it", _opinion),
    RuleClaim(statements.LARGER_STEPS, "not measured: no command here leaves a record of it", _not_varied),
    RuleClaim(statements.OPTIMISER, _SAME.format("our recipe `paper`"), lambda _: _optimiser(PAPER_RECIPE)),
    RuleClaim(statements.TRAINING_SAMPLES, _SAME.format("our recipe `paper`"), lambda _: _training(PAPER_RECIPE)),
    RuleClaim(statements.LOSS_WEIGHTS, _SAME.format("our family `pinn`"), lambda _: _family("pinn", _WEIGHTS)),
    RuleClaim(statements.PASSES, _SAME.format("our family `itnn`"), lambda _: _family("itnn", _PASSES)),
)
