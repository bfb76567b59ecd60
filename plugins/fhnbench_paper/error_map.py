"""Figure 1: where in the space of initial states, and when, surrogates of problem B err."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import msgspec
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator, NullFormatter

from fhnbench import (
    Ensemble,
    artifact_file,
    contender_trajectories,
    integrate,
    load_artifact,
    measure_accuracy,
    reference_trajectories,
    standard_problem,
)
from fhnbench_paper import statements
from fhnbench_paper.experiment import Experiment, Outcome
from fhnbench_paper.pictures import COLOURS, drawing, png
from fhnbench_paper.progress import Stages
from fhnbench_paper.record import Finding
from fhnbench_paper.tables import Table, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from fhnbench import Problem
    from fhnbench_paper.experiment import Context

LEARNT = 1e-2
"""A trajectory is learnt if its MAE is below this, the error that the paper allows Euler's method."""

SENSITIVE = 0.1
"""The share of initial states that counts as near a separatrix: those on which the solution depends most."""

LEARNT_SHARE, ERROR_SHARE = 0.9, 0.5
"""The shares that "almost the entire solution space" and "concentrated" are taken to be."""

_LEAST_SHOWN = 1e-4
"""The least error of the map's colours, as a part of the largest."""

_STEP = 0.01
_NEIGHBOUR = 1e-3
"""Step of the integration, and distance of the initial states whose solutions are compared for the sensitivity."""


class SurrogateErrors(msgspec.Struct, frozen=True):
    """Where a surrogate errs.

    Parameters
    ----------
    family, artifact, digest, hidden
        What was evaluated.
    mae
        Over u and w, all save points and samples.
    learnt_share
        Share of samples with an MAE below `LEARNT`.
    sensitive_error_share
        Share of the absolute error that the `SENSITIVE` samples hold.
    """

    family: str
    artifact: str
    digest: str
    hidden: tuple[int, ...]
    mae: float
    learnt_share: float
    sensitive_error_share: float


class Figures(msgspec.Struct, frozen=True):
    """What is measured; `separatrix_u0` is where the solution depends most on u0, at the w0 of the picture."""

    samples: int
    w0: float
    separatrix_u0: float
    surrogates: tuple[SurrogateErrors, ...]


@final
@dataclass(frozen=True)
class ErrorMap(Experiment):
    """Compare the best artifact of each family with the reference.

    Parameters
    ----------
    families
        Families; the first is drawn.
    runtime
        What evaluates them.
    size
        Fresh initial states for the shares of the error.
    lines
        Initial potentials u0 of the picture.
    w0
        Initial recovery variable of the picture.
    """

    families: tuple[str, ...] = ("ddnn", "pinn", "itnn")
    runtime: str = "cpu"
    size: int = 50_000
    lines: int = 801
    w0: float = 0.0

    @classmethod
    def quick(cls) -> Self:
        """Return the experiment on fewer samples."""
        return cls(size=5_000, lines=201)

    def measure(self, context: Context) -> Outcome:
        """Measure the errors of all families on fresh samples, and draw those of the first."""
        problem = standard_problem("B")
        files = {family: artifact_file(family, problem) for family in self.families}
        stages = Stages(context.report, [3.0, 3.0, 1.0, *([1.0] * len(files))])
        ensemble = problem.sample(self.size, "uniform", context.seed)
        reference, _ = reference_trajectories(problem, ensemble, progress=stages.begin("reference"))
        sensitivity = sensitivities(problem, ensemble, stages.begin("sensitivity of the solution"))
        contenders = {family: f"{family}-{self.runtime}[artifact={file}]" for family, file in files.items()}

        stages.begin("one line of initial states")
        line = self._line(problem)
        truth, _ = reference_trajectories(problem, line)
        predicted = contender_trajectories(contenders[self.families[0]], problem, line, threads=context.threads)
        separatrix = float(line.u0[np.argmax(sensitivities(problem, line))])

        surrogates = []
        for family, file in files.items():
            stages.begin(family)
            states = contender_trajectories(contenders[family], problem, ensemble, threads=context.threads)
            errors = np.abs(states - reference).mean(axis=(0, 1))
            artifact = load_artifact(file)
            surrogates.append(
                SurrogateErrors(
                    family,
                    file.name,
                    artifact.digest,
                    artifact.network.hidden,
                    measure_accuracy(states, reference, problem.times).mae,
                    float((errors < LEARNT).mean()),
                    share_of_top(errors, sensitivity, SENSITIVE),
                )
            )
        figures = Figures(self.size, self.w0, separatrix, tuple(surrogates))
        picture = _picture(problem, line.u0, truth[:, 0], predicted[:, 0], figures)
        return Outcome(figures, judge(figures), _table(figures), picture)

    def _line(self, problem: Problem) -> Ensemble:
        u0 = np.linspace(*problem.u0, self.lines, dtype=np.float32).astype(np.float64)
        return Ensemble(u0, np.full_like(u0, self.w0), np.full_like(u0, problem.i_app[0]), problem.model)


def sensitivities(
    problem: Problem, ensemble: Ensemble, report: Callable[[float], None] = lambda _fraction: None
) -> NDArray[np.float64]:
    """Return how much each solution depends on its initial state, ``[N]``.

    It is the mean over save points of ``|du/du0| + |du/dw0|``, by central differences over `_NEIGHBOUR`.
    """
    total = np.zeros(ensemble.size)
    for done, (du, dw) in enumerate(((_NEIGHBOUR, 0.0), (0.0, _NEIGHBOUR))):
        above, below = (
            integrate(
                problem,
                Ensemble(ensemble.u0 + sign * du, ensemble.w0 + sign * dw, ensemble.i_app, ensemble.model),
                _STEP,
            )[:, 0]
            for sign in (1, -1)
        )
        total += np.abs(above - below).mean(axis=0) / (2 * _NEIGHBOUR)
        report((done + 1) / 2)
    return total


def share_of_top(values: NDArray[Any], by: NDArray[Any], fraction: float) -> float:
    """Return the share of the sum of `values` that is held by the `fraction` of places where `by` is largest."""
    top = np.argsort(by)[len(by) - round(fraction * len(by)) :]
    return float(values[top].sum() / values.sum())


def judge(figures: Figures) -> tuple[Finding, Finding]:
    """Judge whether surrogates learn almost everything, and whether they err where the solution bifurcates."""
    return _judge_learnt(figures.surrogates), _judge_concentration(figures.surrogates)


def _judge_learnt(surrogates: Sequence[SurrogateErrors]) -> Finding:
    failing = [one.family for one in surrogates if one.learnt_share < LEARNT_SHARE]
    return Finding(
        statement=statements.LEARNT.words,
        section=statements.LEARNT.section,
        rule=f"reproduced if, for the best artifact of every family on fresh samples of problem B, at least "
        f"{LEARNT_SHARE:.0%} of the trajectories have an MAE below {LEARNT:g}; else refuted",
        measurement="; ".join(
            f"{one.family}: {one.learnt_share:.1%} of the trajectories below {LEARNT:g}, MAE {number(one.mae)}"
            for one in surrogates
        ),
        verdict="refuted" if failing else "reproduced",
        why=f"Less than {LEARNT_SHARE:.0%} of the trajectories are learnt by {' and '.join(failing)}."
        if failing
        else f"Every family learns at least {LEARNT_SHARE:.0%} of the trajectories.",
    )


def _judge_concentration(surrogates: Sequence[SurrogateErrors]) -> Finding:
    failing = [one.family for one in surrogates if one.sensitive_error_share < ERROR_SHARE]
    return Finding(
        statement=statements.CONCENTRATION.words,
        section=statements.CONCENTRATION.section,
        rule=f"reproduced if, for the best artifact of every family on fresh samples of problem B, the "
        f"{SENSITIVE:.0%} of the initial states on which the solution depends most hold at least {ERROR_SHARE:.0%} of "
        f"the absolute error; else refuted",
        measurement="; ".join(
            f"{one.family}: the most sensitive {SENSITIVE:.0%} hold {one.sensitive_error_share:.0%} of the error"
            for one in surrogates
        ),
        verdict="refuted" if failing else "reproduced",
        why=f"Most of the error of {' and '.join(failing)} lies elsewhere."
        if failing
        else "At least half of every family's error lies near separatrices.",
    )


def _table(figures: Figures) -> Table:
    rows = [
        (
            one.family,
            "x".join(map(str, one.hidden)),
            number(one.mae),
            f"{one.learnt_share:.1%}",
            f"{one.sensitive_error_share:.0%}",
        )
        for one in figures.surrogates
    ]
    headings = (f"trajectories below {LEARNT:g}", f"error held by the most sensitive {SENSITIVE:.0%}")
    return Table(("family", "hidden layers", "MAE", *headings), tuple(rows))


def _picture(
    problem: Problem, u0: NDArray[Any], truth: NDArray[Any], predicted: NDArray[Any], figures: Figures
) -> bytes:
    error = np.abs(predicted - truth)
    first = figures.surrogates[0]
    with drawing(13, 4.2) as figure:
        true_axes, predicted_axes, error_axes, mean_axes = figure.subplots(
            1, 4, sharey=True, width_ratios=(1, 1, 1.15, 0.6)
        )
        limits = {"vmin": float(truth.min()), "vmax": float(truth.max())}
        for axes, values, title in (
            (true_axes, truth, "true u"),
            (predicted_axes, predicted, f"predicted u ({first.family}, {'x'.join(map(str, first.hidden))})"),
        ):
            mesh = axes.pcolormesh(problem.times, u0, values.T, cmap="viridis", **limits)
            axes.set(title=title, xlabel="time (time units)")
        figure.colorbar(mesh, ax=[true_axes, predicted_axes], label="u (dimensionless)", pad=0.02)
        norm = LogNorm(_LEAST_SHOWN * error.max(), error.max(), clip=True)  # the initial state has no error
        mesh = error_axes.pcolormesh(problem.times, u0, error.T, cmap="magma", norm=norm)
        error_axes.set(title="absolute error of u", xlabel="time (time units)")
        figure.colorbar(mesh, ax=error_axes, label="|error| (dimensionless)", pad=0.02)
        mean = error.mean(axis=0)
        mean_axes.semilogx(mean, u0, color=COLOURS[0])
        low, high = np.log10([mean.min(), mean.max()])
        mean_axes.set_xlim(10 ** np.floor(low), 10 ** np.ceil(high))
        mean_axes.set(title="mean over time", xlabel="|error|")
        mean_axes.xaxis.set_major_locator(LogLocator(numticks=4))
        mean_axes.xaxis.set_minor_formatter(NullFormatter())
        true_axes.set_ylabel(f"initial potential u0, at w0 = {figures.w0:g}")
        _mark_separatrix((true_axes, predicted_axes, error_axes), mean_axes, figures.separatrix_u0)
        return png(figure)


def _mark_separatrix(maps: tuple[Axes, ...], mean: Axes, u0: float) -> None:
    for axes in maps:
        axes.grid(visible=False)
        axes.axhline(u0, color="white", linestyle="--", linewidth=1.2)
    maps[0].annotate(
        "separatrix", (0.98, u0), (0, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right", color="white",
    )  # fmt: skip
    mean.axhline(u0, color="0.2", linestyle="--", linewidth=1.2)
