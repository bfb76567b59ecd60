"""DDNN against PINN over the size of the training set: when physics helps, and how many points are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

import msgspec
import numpy as np

from fhnbench import load_artifact
from fhnbench_paper import statements
from fhnbench_paper.experiment import Experiment, Outcome
from fhnbench_paper.pictures import COLOURS, MARKERS, drawing, png
from fhnbench_paper.progress import Stages
from fhnbench_paper.record import Finding
from fhnbench_paper.tables import Table, number
from fhnbench_paper.trainings import Training, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_paper.experiment import Context

STAGNANT = 0.1
"""The MAE above which the paper calls the DDNN far from the solution."""

GAIN, HALF_DECADE = 100.0, 10**0.5
"""The factor by which the paper has physics decrease the error, and what "up to" and "similarly" may miss by."""

SUFFICIENT, ENOUGH_POINTS = 1e-2, 100
"""The MAE that counts as learnt, which the paper allows Euler's method, and how many points the paper needs."""

_METHODS = {"ddnn": ("ddnn", "best"), "pinn": ("pinn", "best"), "pinn, paper's recipe": ("pinn", "paper")}
"""Family and recipe of what is compared; the verdicts compare the first two."""

DATA_METHOD, PHYSICS_METHOD, PAPER_METHOD = _METHODS


class Scarcity(msgspec.Struct, frozen=True):
    """The MAE of one method at one size of the training set after so many steps, for each seed."""

    problem: str
    method: str
    points: int
    steps: int
    maes: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over seeds."""
        return float(np.median(self.maes))


class Figures(msgspec.Struct, frozen=True):
    """What is measured."""

    errors: tuple[Scarcity, ...]

    def pairs(self, problem: str | None = None) -> list[tuple[Scarcity, Scarcity]]:
        """Return DDNN and PINN at equal problem (or of all problems), size and steps, from few points to many."""
        found = {(one.problem, one.points, one.steps, one.method): one for one in self.errors}
        return [
            (one, found[one.problem, one.points, one.steps, PHYSICS_METHOD])
            for one in sorted(self.errors, key=lambda one: (one.problem, one.points))
            if one.method == DATA_METHOD and problem in {None, one.problem}
        ]


class Series(msgspec.Struct, frozen=True):
    """What is trained for a problem: methods, hidden layers, sizes of the training set, steps and seeds."""

    problem: str
    methods: tuple[str, ...]
    hidden: tuple[int, ...]
    points: tuple[int, ...]
    steps: int
    seeds: int


@final
@dataclass(frozen=True)
class DataScarcity(Experiment):
    """Train DDNN and PINN at equal network, batch and number of steps on fixed sets of points.

    Each family has its own best recipe, but for equal initial weights; the PINN is trained by the paper's recipe too.
    Where data are scarce and the DDNN stagnates, both are trained for longer as well, since the physics goes on
    lessening the error.

    Parameters
    ----------
    series
        What is trained for each problem; activations are tanh. Points are spread evenly over times and ranges.
    batch
        Samples in a batch; a smaller training set is used whole. The PINN has as many points without data besides.
    """

    series: tuple[Series, ...] = (
        Series("A", (DATA_METHOD, PHYSICS_METHOD), (32, 32), (5, 10), 20_000, 3),
        Series("A", (DATA_METHOD, PHYSICS_METHOD), (32, 32), (5, 10, 20, 50, 100, 1_000), 5_000, 3),
        Series("A", (PAPER_METHOD,), (32, 32), (5, 100), 5_000, 3),
        Series("B", tuple(_METHODS), (64, 64), (300, 10_000), 4_000, 2),
    )
    batch: int = 512

    @classmethod
    def quick(cls) -> Self:
        """Return the experiment on problem A alone, with fewer sizes, steps and seeds."""
        return cls(series=(Series("A", tuple(_METHODS), (32, 32), (5, 100, 1_000), 2_000, 2),))

    def measure(self, context: Context) -> Outcome:
        """Train everything; the errors are those on the test trajectories of each artifact."""
        trainings = {
            (series.problem, method, points, series.steps): [
                Training(
                    family,
                    series.problem,
                    series.hidden,
                    context.seed + k,
                    recipe=recipe,
                    overrides={
                        "samples": points,
                        "steps": series.steps,
                        "batch": self.batch,
                        "domain_share": 1.0,
                        "start_share": 1.0,
                        "resolution": 0.0,
                    },
                )
                for k in range(series.seeds)
            ]
            for series in self.series
            for points in series.points
            for method in series.methods
            for family, recipe in [_METHODS[method]]
        }
        lengths = [
            training.overrides["steps"] * sum(training.hidden) * (1 if training.family == "ddnn" else 2)
            for group in trainings.values()
            for training in group
        ]
        stages = Stages(context.report, lengths)
        errors = []
        for (problem, method, points, steps), group in trainings.items():
            maes = []
            for training in group:
                report = stages.begin(f"problem {problem}, {points} points: {method}, seed {training.seed}")
                maes.append(load_artifact(train(training, context, report)).metadata.validation["mae"])
            errors.append(Scarcity(problem, method, points, steps, tuple(maes)))
        figures = Figures(tuple(errors))
        return Outcome(figures, judge(figures), _table(errors), _picture(errors))


def judge(figures: Figures) -> tuple[Finding, Finding, Finding]:
    """Judge the gain where data are scarce, its absence where they abound, and the points that problem A needs."""
    return _judge_gain(figures), _judge_abundance(figures), _judge_points(figures)


def _judge_gain(figures: Figures) -> Finding:
    scarce = [(data, physics) for data, physics in figures.pairs() if data.median > STAGNANT]
    gain, data, physics = max(
        ((d.median / p.median, d, p) for d, p in scarce), default=(0.0, None, None), key=lambda x: x[0]
    )
    least = GAIN / HALF_DECADE
    return Finding(
        statement=statements.PINN_GAIN.words,
        section=statements.PINN_GAIN.section,
        rule=f"among the training sets on which the DDNN's MAE (median over seeds) is above {STAGNANT:g}, take the "
        f"largest ratio of it to the PINN's at equal network, batch, points and steps: reproduced if it is at least "
        f"{least:.0f}, half a decade short of {GAIN:g}; else refuted; not comparable if the DDNN's is nowhere above",
        measurement=f"largest ratio {gain:.3g}: problem {data.problem}, {data.points} points, {data.steps:,} steps, "
        f"DDNN {number(data.median)}, PINN {number(physics.median)}"
        if data and physics
        else f"the DDNN's MAE is nowhere above {STAGNANT:g}",
        verdict="not comparable" if data is None else "reproduced" if gain >= least else "refuted",
        why="No training set was scarce enough for the DDNN to stagnate."
        if data is None
        else f"Where data are scarce, physics lessens the error by a factor of {gain:.3g}"
        + (", about what the paper has." if gain >= least else ", far less than the paper has."),
    )


def _judge_abundance(figures: Figures) -> Finding:
    largest = {data.problem: (data, physics) for data, physics in figures.pairs()}
    ratios = {problem: data.median / physics.median for problem, (data, physics) in largest.items()}
    similar = all(1 / HALF_DECADE <= ratio <= HALF_DECADE for ratio in ratios.values())
    return Finding(
        statement=statements.ABUNDANCE.words,
        section=statements.ABUNDANCE.section,
        rule=f"reproduced if on the largest training set of every problem the ratio of the DDNN's MAE to the PINN's "
        f"(medians over seeds) lies between {1 / HALF_DECADE:.2f} and {HALF_DECADE:.2f}; else refuted",
        measurement="; ".join(
            f"problem {problem}, {data.points:,} points: DDNN {number(data.median)}, PINN {number(physics.median)}"
            for problem, (data, physics) in largest.items()
        ),
        verdict="reproduced" if similar else "refuted",
        why="With many points both are equally good, to half a decade."
        if similar
        else "Even with many points one of them is better by more than half a decade.",
    )


def _judge_points(figures: Figures) -> Finding:
    needed = None
    for data, _ in reversed(figures.pairs("A")):
        if data.median >= SUFFICIENT:
            break
        needed = data.points
    low, high = ENOUGH_POINTS / HALF_DECADE, ENOUGH_POINTS * HALF_DECADE
    reproduced = needed is not None and low <= needed <= high
    return Finding(
        statement=statements.POINTS.words,
        section=statements.POINTS.section,
        rule=f"reproduced if the smallest training set of problem A from which on the DDNN's MAE (median over seeds) "
        f"stays below {SUFFICIENT:g} has {low:.0f} to {high:.0f} points; else refuted",
        measurement="no training set is large enough"
        if needed is None
        else f"{needed} points are enough: "
        + ", ".join(f"{data.points:,} ({data.steps:,} steps): {number(data.median)}" for data, _ in figures.pairs("A")),
        verdict="reproduced" if reproduced else "refuted",
        why=f"Problem A takes about {ENOUGH_POINTS} points."
        if reproduced
        else f"Problem A takes {'more points than were tried' if needed is None else f'{needed} points'}.",
    )


def _table(errors: Sequence[Scarcity]) -> Table:
    rows = [
        (
            f"{one.problem}: {one.method}",
            f"{one.points:,}",
            f"{one.steps:,}",
            *(number(value) for value in (one.median, min(one.maes), max(one.maes))),
        )
        for one in sorted(errors, key=lambda one: (one.problem, one.method, one.points))
    ]
    return Table(("problem: method", "points", "steps", "MAE (median)", "least", "largest"), tuple(rows))


def _picture(errors: Sequence[Scarcity]) -> bytes:
    problems = list(dict.fromkeys(one.problem for one in errors))
    with drawing(1.5 + 4.5 * len(problems), 4.6) as figure:
        panels = figure.subplots(1, len(problems), sharey=True, squeeze=False)[0]
        for axes, problem in zip(panels, problems, strict=True):
            shown = [one for one in errors if one.problem == problem]
            shortest = min(one.steps for one in shown)
            for method, steps in dict.fromkeys((one.method, one.steps) for one in shown):
                found = sorted(
                    (one for one in shown if (one.method, one.steps) == (method, steps)), key=lambda one: one.points
                )
                index = list(_METHODS).index(method)
                points, colour = [one.points for one in found], COLOURS[index]
                low, high = ([extreme(one.maes) for one in found] for extreme in (min, max))
                axes.fill_between(points, low, high, color=colour, alpha=0.2, linewidth=0)
                axes.loglog(
                    points,
                    [one.median for one in found],
                    f"{MARKERS[index]}{'-' if steps == shortest else '--'}",
                    color=colour,
                    markerfacecolor=colour if steps == shortest else "white",
                    label=f"{method}, {steps:,} steps",
                )
            axes.axhline(STAGNANT, color="0.2", linestyle="--", linewidth=1)
            axes.axhline(SUFFICIENT, color="0.2", linestyle=":", linewidth=1)
            axes.set(title=f"Problem {problem}", xlabel="training points")
            axes.grid(which="minor", linewidth=0.4, alpha=0.6)
            axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.15))
        panels[0].set_ylabel("MAE over u and w (dimensionless)\nmedian and range over seeds")
        return png(figure)
