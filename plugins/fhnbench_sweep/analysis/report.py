"""The report of an analysis as Markdown: what it says in words, then tables and figures."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from fhnbench import duration
from fhnbench_sweep.analysis.record import LARGE
from fhnbench_sweep.analysis.words import between, probability, sentences
from fhnbench_sweep.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fhnbench_sweep.analysis.record import (
        Analysis,
        Anova,
        Chosen,
        CostModel,
        FamilyAnalysis,
        ProblemAnalysis,
        Scale,
        Speed,
    )

_SCALES: dict[Scale, str] = {"log": "log MAE", "plain": "MAE", "ranks": "ranks"}


_TEMPLATES = Environment(
    loader=PackageLoader("fhnbench_sweep.analysis"), autoescape=False, undefined=StrictUndefined, trim_blocks=True
)


def to_markdown(analysis: Analysis, figures: Mapping[str, str]) -> str:
    """Return the report.

    Parameters
    ----------
    analysis
        What it is of.
    figures
        Titles of the figures' files.
    """
    about = "problem", "family"
    tables = {
        "errors": ((*about, "trained", "failed", "best", "5%", "median", "95%", "worst"), _errors),
        "anovas": (
            (*about, "scale", "factor", "small: F or H", "p", "explained", "large: F or H", "p", "explained"),
            _anovas,
        ),
        "assumed": (
            (*about, "networks", "scale", "normal", "equal", "independent", "additive", "all hold"),
            _assumed,
        ),
        "variances": ((*about, "networks", "scale", "between", "within", "ratio [95%]"), _variances),
        "spreads": ((*about, "sizes", "median", "largest", "seeds: median", "largest"), _spreads),
        "importances": ((*about, "property", "part [95%]"), _importances),
        "chosen": ((*about, "hidden layers", "time", "validation", "test", "other seeds"), _chosen),
    }
    return _TEMPLATES.get_template("report.md.j2").render(
        analysis=analysis,
        sentences=sentences(analysis),
        figures=figures,
        shapes=SHAPES,
        large=LARGE,
        classical=lambda problem: _table(("classical contender", "time", "MAE"), _classical(problem)),
        models=_models,
        correlations=_correlations,
        reasons=lambda problem: Counter(re.sub(r"point \d+", "point", one) for one in problem.unmeasured.values()),
        **{name: _table(columns, rows(analysis)) for name, (columns, rows) in tables.items()},
    )


def _errors(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        quantiles = [f"{family.quantiles[place]:.2e}" for place in (0, 1, 3, 5, 6)]
        yield problem, family.family, f"{family.trained}", f"{family.failed}", *quantiles


def _anovas(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        for scale, label in _SCALES.items():
            found = [family.anova("small", scale), family.anova("large", scale)]
            for factor in ("shape", "size") if any(found) else ():
                cells = [cell for one in found for cell in _effect(one, factor)]
                yield problem, family.family, label, factor, *cells


def _effect(of: Anova | None, factor: str) -> tuple[str, str, str]:
    if of is None:
        return "-", "-", "-"
    effect = of.effect(factor)
    return f"{effect.statistic:.3g}", probability(effect.p_adjusted), f"{effect.explained:.0%}"


def _assumed(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        for one in family.anovas:
            if found := one.assumptions:
                ps = ["-" if p is None else probability(p) for p in found.ps]
                yield problem, family.family, one.group, _SCALES[one.scale], *ps, "yes" if found.hold else "no"


def _variances(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        for one in family.variances:
            about = problem, family.family, one.group, _SCALES[one.scale]
            yield *about, f"{one.between:.2e}", f"{one.within:.2e}", between(one.ratio)


def _spreads(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        one = family.spread
        values = one.median, one.largest, one.seeds_median, one.seeds_largest
        yield problem, family.family, f"{one.sizes}", *("-" if v is None else f"{v:.3g}" for v in values)


def _importances(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        for one in family.predictors.importances if family.predictors else ():
            yield problem, family.family, one.property, between(one.loss)


def _chosen(analysis: Analysis) -> Iterator[Sequence[str]]:
    for problem, family in _families(analysis):
        for one in family.frontier:
            layers = " ".join(f"{size} {name}" for size, name in zip(one.hidden, one.activations, strict=True))
            errors = f"{one.validation:.2e}", f"{one.test:.2e}", _range(one)
            yield problem, family.family, layers, _time(one), *errors


def _time(one: Chosen) -> str:
    return f"{duration(one.seconds)} ({one.source})" if one.seconds else "-"


def _range(one: Chosen) -> str:
    return f"{min(one.repeats):.2e} to {max(one.repeats):.2e}" if one.repeats else "-"


def _classical(problem: ProblemAnalysis) -> Iterator[Sequence[str]]:
    for one in problem.classical:
        yield one.contender, duration(one.seconds), f"{one.mae:.2e}"


def _correlations(speed: Speed) -> str:
    found = {"neurons": speed.time_by_neurons, "layers": speed.time_by_layers, "operations": speed.time_by_operations}
    return ", ".join(f"{name} {value:.2f}" for name, value in found.items() if value is not None)


def _models(problem: ProblemAnalysis) -> Iterator[tuple[str, CostModel]]:
    found: dict[int, list[str]] = {}
    models = list(problem.models.values())
    for name, model in problem.models.items():
        found.setdefault(models.index(model), []).append(name)
    for index, names in found.items():
        yield " and ".join(names), models[index]


def _families(analysis: Analysis) -> Iterator[tuple[str, FamilyAnalysis]]:
    for problem in analysis.problems:
        for family in problem.families:
            yield problem.problem, family


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
