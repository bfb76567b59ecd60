"""Studies that nobody trained: outcomes with effects that are known because they were put in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fhnbench_sweep.analysis.record import Classical, CostModel
from fhnbench_sweep.analysis.study import Study
from fhnbench_sweep.analysis.times import Time, Times
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.plan import Plan, Space, encode_plan
from fhnbench_sweep.selection import every_architecture, select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench_sweep.analysis.record import Source
    from fhnbench_sweep.plan import Candidate

SPACE = Space(layers=(1, 3))


@cache
def plan(problem: str = "C", candidates: int = 240, seed: int = 0) -> Plan:
    return select(problem, SPACE, every_architecture(SPACE), candidates, seed)


def study(
    seed: int = 0,
    *,
    problem: str = "C",
    candidates: int = 240,
    families: tuple[str, ...] = ("ddnn",),
    per_doubling: float = 0.0,
    shapes: Mapping[str, float] | None = None,
    activations: Mapping[str, float] | None = None,
    harder: float = 0.0,
    noise: float = 0.2,
    repeats: int = 0,
    repeated: int = 10,
) -> Study:
    """Return a study whose decimal logarithms of errors are a sum of effects and normal noise.

    The effects are for each doubling of the neurons, of classes, of activations (by share of layers) and of all.
    `repeats` more seeds are there of the `repeated` candidates of least validation error.
    """
    chance, planned = np.random.default_rng(seed), plan(problem, candidates)

    def expected(one: Candidate) -> float:
        share = {name: one.activations.count(name) / len(one.activations) for name in one.activations}
        return (
            -2.0
            + harder
            + per_doubling * np.log2(one.neurons / 64)
            + (shapes or {}).get(one.shape, 0.0)
            + sum((activations or {}).get(name, 0.0) * part for name, part in share.items())
        )

    def outcome(family: str, one: Candidate, seed: int) -> Outcome:
        log = expected(one) + noise * chance.standard_normal()
        validation, test = 10 ** (log + 0.01 * chance.standard_normal(2))
        parameters = sum((a + 1) * b for a, b in zip((3, *one.hidden), (*one.hidden, 2), strict=True))
        return Outcome(
            family=family, candidate=one.name, seed=seed, status="trained", parameters=parameters, steps=10,
            best_step=9, validation_mae=float(validation), test={"mae": float(test)}, seconds=1.0, batch="b0",
        )  # fmt: skip

    outcomes = [outcome(family, one, 0) for family in families for one in planned.candidates]
    by_name = {one.name: one for one in planned.candidates}
    for family in families:
        found = sorted((one for one in outcomes if one.family == family), key=lambda one: one.validation_mae or 0)
        outcomes += [
            outcome(family, by_name[one.candidate], s) for one in found[:repeated] for s in range(1, 1 + repeats)
        ]
    return Study(Path("sweeps") / problem, planned, outcomes)


def times(of: Study, measured: int = 20) -> Times:
    """Return times of a study in proportion to the parameters, some of them called measured, and of two solvers."""
    families: dict[str, dict[str, Time]] = {family: {} for family in of.families}
    for number, one in enumerate(of.main_outcomes):
        source: Source = "measured" if number % (len(of.main_outcomes) // measured) == 0 else "modelled"
        families[one.family][one.candidate] = Time(1e-5 * (one.parameters + 20), source, 50.0 * one.parameters)
    model = CostModel(terms={"multiply-adds": 1e-4}, calibrated=16, held_out=8, median_error=0.04, largest_error=0.2)
    steps = {0.1: 2e-3, 0.05: 4e-3, 0.01: 2e-2}
    return Times(
        problem=of.plan.problem,
        runtime="cpu",
        size=10_000,
        threads=1,
        machine="an abacus",
        created="2026-01-01T00:00:00+00:00",
        command="fhnbench run",
        classical=tuple(
            Classical(contender=f"euler-cpu[dt={step:g}]", seconds=seconds, mae=0.05 * step)
            for step, seconds in steps.items()
        ),
        models=dict.fromkeys(of.families, model),
        families=families,
        unmeasured={f"ddnn-c000{k}": f"audit save-points: save point {k} repeats the one before" for k in (1, 2)},
    )


def write(of: Study, folder: Path) -> None:
    """Write the files of a study, as a sweep leaves them."""
    folder.mkdir(parents=True)
    (folder / "plan.json").write_bytes(encode_plan(of.plan))
    (folder / "outcomes.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in of.outcomes))
