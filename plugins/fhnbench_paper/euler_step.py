"""How the error grows with the step, and which is the largest step that the paper's threshold allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

import msgspec
import numpy as np

from fhnbench import contender_trajectories, measure_accuracy, reference_trajectories, standard_problem
from fhnbench_paper import statements
from fhnbench_paper.experiment import Experiment, Outcome
from fhnbench_paper.pictures import COLOURS, MARKERS, drawing, png
from fhnbench_paper.progress import Stages
from fhnbench_paper.record import Finding
from fhnbench_paper.tables import Table, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_paper.experiment import Context

THRESHOLD = 1e-2
"""The error that the paper allows."""

PAPER_STEP = 0.1


class StepError(msgspec.Struct, frozen=True):
    """The errors of a method at one step; None where the solution left the range of numbers."""

    dt: float
    mae: float | None
    p999: float | None


class Curve(msgspec.Struct, frozen=True):
    """The errors of a method over the step, from large steps to small ones."""

    problem: str
    method: str
    stages: int
    errors: tuple[StepError, ...]

    @property
    def largest_step(self) -> float | None:
        """The largest step up to which every smaller one that was tried has an MAE below `THRESHOLD`."""
        largest = None
        for error in reversed(self.errors):
            if error.mae is None or error.mae >= THRESHOLD:
                break
            largest = error.dt
        return largest


class Figures(msgspec.Struct, frozen=True):
    """What is measured; `error_floor` is the mean change of the reference as its step is halved, by problem."""

    samples: int
    error_floor: dict[str, float]
    curves: tuple[Curve, ...]


@final
@dataclass(frozen=True)
class EulerStep(Experiment):
    """Measure the MAE of fixed-step methods over the step, in float64, so that rounding plays no part.

    Parameters
    ----------
    problems
        Problems to measure; the paper does not say which it means.
    size
        Samples.
    methods
        Names of methods and their stages, each a solver ``<method>-cpu``.
    substeps
        Steps in a save interval of one time unit, ascending.
    """

    problems: tuple[str, ...] = ("A", "B", "C")
    size: int = 100_000
    methods: tuple[tuple[str, int], ...] = (("euler", 1), ("heun", 2), ("midpoint", 2), ("rk3", 3), ("rk4", 4))
    substeps: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 32, 50, 64, 100)

    @classmethod
    def quick(cls) -> Self:
        """Return the experiment on fewer samples and steps."""
        return cls(size=10_000, substeps=(1, 2, 4, 5, 8, 9, 10, 20, 50, 100))

    def measure(self, context: Context) -> Outcome:
        """Measure every method at every step."""
        stages = Stages(context.report, [1.0] * len(self.problems) * (1 + len(self.methods)))
        floors: dict[str, float] = {}
        curves: list[Curve] = []
        for name in self.problems:
            problem = standard_problem(name)
            ensemble = problem.sample(self.size if problem.varied else 1, "uniform", context.seed)
            reference, evidence = reference_trajectories(
                problem, ensemble, progress=stages.begin(f"problem {name}: reference")
            )
            floors[name] = evidence.mean_change
            for method, count in self.methods:
                report = stages.begin(f"problem {name}: {method}")
                errors = []
                for done, substeps in enumerate(self.substeps):
                    dt = problem.save_interval / substeps
                    contender = f"{method}-cpu[dt={dt!r}]"
                    states = contender_trajectories(contender, problem, ensemble, "float64", context.threads)
                    if np.isfinite(states).all():
                        found = measure_accuracy(states, reference, problem.times)
                        errors.append(StepError(dt, found.mae, found.p999))
                    else:
                        errors.append(StepError(dt, None, None))
                    report((done + 1) / len(self.substeps))
                curves.append(Curve(name, method, count, tuple(errors)))
        figures = Figures(self.size, floors, tuple(curves))
        return Outcome(figures, (judge(figures),), _table(curves), _picture(figures))


def judge(figures: Figures) -> Finding:
    """Judge the paper's largest step of Euler's method."""
    found = {curve.problem: curve.largest_step for curve in figures.curves if curve.method == "euler"}
    steps = {problem: step for problem, step in found.items() if step is not None}
    holds = {problem: float(f"{step:.1g}") == PAPER_STEP for problem, step in steps.items()}
    paper = {c.problem: e.mae for c in figures.curves if c.method == "euler" for e in c.errors if e.dt == PAPER_STEP}
    measurement = "; ".join(
        f"problem {problem}: largest step {number(step)}, MAE at {PAPER_STEP} {number(paper.get(problem))}"
        for problem, step in found.items()
    )
    agreeing = [problem for problem, yes in holds.items() if yes]
    named = f"problem{'s' if len(agreeing) > 1 else ''} {' and '.join(agreeing)}"
    return Finding(
        statement=statements.EULER_STEP.words,
        section=statements.EULER_STEP.section,
        rule=f"reproduced if, in at least one problem (the paper names none), the largest step that divides the save "
        f"interval and whose MAE is below {THRESHOLD:g}, as is that of all smaller steps, is {PAPER_STEP} to one "
        f"significant digit; else refuted",
        measurement=measurement,
        verdict="reproduced" if agreeing else "refuted",
        why=f"In {named} the largest step with an MAE below {THRESHOLD:g} is {PAPER_STEP} to one digit."
        if agreeing
        else f"In no problem is the largest step with an MAE below {THRESHOLD:g} equal to {PAPER_STEP} to one digit.",
    )


def _table(curves: Sequence[Curve]) -> Table:
    rows = []
    for curve in curves:
        largest = curve.largest_step
        at = {error.dt: error for error in curve.errors}
        mae = at[largest].mae if largest is not None else None
        evaluations = None if largest is None else curve.stages / largest
        paper = at[PAPER_STEP].mae if PAPER_STEP in at else None
        cells = [number(value) for value in (largest, mae, evaluations, paper)]
        rows.append((f"{curve.problem}: {curve.method}", *cells))
    headings = (f"largest step below {THRESHOLD:g}", "its MAE", "evaluations per time unit", f"MAE at {PAPER_STEP}")
    return Table(("problem: method", *headings), tuple(rows))


def _picture(figures: Figures) -> bytes:
    problems = list(dict.fromkeys(curve.problem for curve in figures.curves))
    with drawing(4 * len(problems) + 0.5, 4.2) as figure:
        panels = figure.subplots(1, len(problems), sharex=True, sharey=True, squeeze=False)[0]
        for axes, problem in zip(panels, problems, strict=True):
            for index, curve in enumerate(c for c in figures.curves if c.problem == problem):
                points = [(error.dt, error.mae) for error in curve.errors if error.mae is not None]
                axes.loglog(*zip(*points, strict=True), f"{MARKERS[index]}-", color=COLOURS[index], label=curve.method)
                if curve.method == "euler" and curve.largest_step:
                    axes.axvline(curve.largest_step, color=COLOURS[index], linestyle=":", linewidth=1.2)
                    axes.annotate(
                        f"Euler: {curve.largest_step:.3g}",
                        (curve.largest_step, 0.02),
                        xycoords=("data", "axes fraction"),
                        ha="right",
                        rotation=90,
                        fontsize=9,
                    )
            axes.axhline(THRESHOLD, color="0.2", linestyle="--", linewidth=1, label=f"{THRESHOLD:g}")
            axes.set(title=f"Problem {problem}", xlabel="step (time units)")
            axes.grid(which="minor", linewidth=0.4, alpha=0.6)
        panels[0].set_ylabel("MAE over u and w (dimensionless)")
        panels[0].legend(fontsize=9)
        return png(figure)
