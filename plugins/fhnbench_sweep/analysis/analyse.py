"""The analysis of a study: all statistics of all problems and families."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fhnbench import FhnbenchError, environment
from fhnbench_sweep.analysis.choice import choose, chosen, selection
from fhnbench_sweep.analysis.predictors import bounded, predictors
from fhnbench_sweep.analysis.record import Analysis, FamilyAnalysis, ProblemAnalysis, Step
from fhnbench_sweep.analysis.speed import speed
from fhnbench_sweep.analysis.variation import anovas, spread, variances

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from fhnbench_sweep.analysis.record import Classical
    from fhnbench_sweep.analysis.study import Study
    from fhnbench_sweep.analysis.times import Time, Times

RESAMPLES = 1000
"""Bootstrap samples of an interval."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def analyse(
    studies: Sequence[Study],
    times: Mapping[str, Times],
    command: str,
    report: Callable[[str, float], None] = lambda _what, _fraction: None,
    seed: int = 0,
) -> Analysis:
    """Return the analysis of the sweeps of some problems.

    Parameters
    ----------
    studies
        One for each problem.
    times
        Times of networks by problem, where they are known.
    command
        The command that repeats it.
    report
        Called with what is going on and the fraction done.
    seed
        Of what is drawn again and again.

    Raises
    ------
    FhnbenchError
        If two studies are of one problem, or nothing was trained.
    """
    problems = [study.plan.problem for study in studies]
    if repeated := [name for name in problems if problems.count(name) > 1]:
        raise FhnbenchError(f"{problems.count(repeated[0])} sweeps of problem {repeated[0]}; give one of each")
    chance = np.random.default_rng(seed)
    analysed = []
    for number, study in enumerate(studies):
        report(f"problem {study.plan.problem}", number / len(studies))
        analysed.append(_problem(study, times.get(study.plan.problem), chance))
    return Analysis(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        environment=msgspec.to_builtins(environment()),
        problems=tuple(analysed),
        steps=tuple(_steps({study.plan.problem: study.main_networks for study in studies}, chance)),
    )


def _problem(study: Study, times: Times | None, chance: np.random.Generator) -> ProblemAnalysis:
    networks = study.networks
    if networks.empty:
        raise FhnbenchError(f"{study.folder}: no network was trained; see the reasons in outcomes.jsonl")
    classical = times.classical if times else ()
    euler = next((one for one in classical if times and one.contender == f"euler-{times.runtime}[dt=0.1]"), None)
    families = tuple(
        _family(study, networks[networks["family"] == family], times, euler, chance)
        for family in study.families
        if (networks["family"] == family).any()
    )
    names = ("size", "threads", "machine", "models", "disturbed", "unmeasured") if times else ()
    about = {name: getattr(times, name) for name in names}
    return ProblemAnalysis(
        problem=study.plan.problem,
        folder=str(study.folder),
        candidates=len(study.plan.candidates),
        families=families,
        euler=euler,
        classical=classical,
        **about,
    )


def _family(
    study: Study,
    networks: pd.DataFrame,
    times: Times | None,
    euler: Classical | None,
    chance: np.random.Generator,
) -> FamilyAnalysis:
    family, main = networks["family"].iloc[0], networks[~networks["repeat"]]
    known: Mapping[str, Time] = times.families.get(family, {}) if times else {}
    front = choose(networks, study.candidates, known)
    best = main.loc[main["validation"].idxmin()]
    return FamilyAnalysis(
        family=family,
        trained=len(main),
        failed=study.failures(family),
        quantiles=tuple(map(float, main["mae"].quantile(QUANTILES))),
        best=chosen(
            best, study.candidates[best["candidate"]], known.get(best["candidate"]), networks[networks["repeat"]]
        ),
        anovas=tuple(anovas(main)),
        variances=tuple(variances(main)),
        spread=spread(main, networks),
        predictors=predictors(main, study.plan.space.activations, chance),
        frontier=front,
        selection=selection(main, front),
        speed=speed(main, known, times.classical, euler) if times and euler else None,
    )


def _steps(tables: Mapping[str, pd.DataFrame], chance: np.random.Generator) -> list[Step]:
    """Return how much larger errors are from one problem to the next, of architectures that both have."""
    found = []
    for simpler, harder in itertools.pairwise(sorted(tables)):
        pairs = tables[simpler].merge(tables[harder], on=["family", "architecture"])
        for family, of_family in pairs.groupby("family", sort=False):
            ratios = (of_family["log_y"] - of_family["log_x"]).to_numpy()
            medians = np.median(chance.choice(ratios, (RESAMPLES, len(ratios))), axis=1)
            factor = msgspec.structs.replace(bounded(10**medians), value=float(10 ** np.median(ratios)))
            found.append(
                Step(family=str(family), simpler=simpler, harder=harder, factor=factor, networks=len(of_family))
            )
    return found
