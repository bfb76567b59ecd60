"""What the physics loss costs: the time of a training iteration of a PINN over that of a DDNN."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

import msgspec

from fhnbench import load_artifact, median_interval
from fhnbench_paper import statements
from fhnbench_paper.experiment import Experiment, Outcome
from fhnbench_paper.pictures import COLOURS, MARKERS, drawing, png
from fhnbench_paper.progress import Stages
from fhnbench_paper.record import Finding
from fhnbench_paper.tables import Table, number
from fhnbench_paper.trainings import Training, train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhnbench_paper.experiment import Context

ABOUT_TWO = (1.5, 2.5)
"""Ratios that count as "around 2"."""

_METHODS: dict[str, tuple[str, str, dict[str, str]]] = {
    "ddnn": ("ddnn", "paper", {}),
    "pinn, as many points of each kind": ("pinn", "paper", {}),
    "pinn, best recipe's shares": ("pinn", "best", {}),
    "pinn, equations only": ("pinn", "paper", {"data": "0", "boundary": "0"}),
}
"""Family, recipe that says how many points without data there are, and options; the others are compared with the
first."""

BASELINE, PAPER_METHOD, *_ = _METHODS


class Ratio(msgspec.Struct, frozen=True):
    """Time of an iteration over that of the DDNN: median of paired repetitions, its bootstrap 95% interval, and all."""

    median: float
    low: float
    high: float
    samples: tuple[float, ...]


class Cost(msgspec.Struct, frozen=True):
    """The time of an iteration of one network: seconds, by repetition, and the ratio (None for the DDNN itself)."""

    method: str
    hidden: tuple[int, ...]
    seconds: tuple[float, ...]
    ratio: Ratio | None


class Figures(msgspec.Struct, frozen=True):
    """What is measured."""

    batch: int
    costs: tuple[Cost, ...]


@final
@dataclass(frozen=True)
class TrainingCost(Experiment):
    """Time iterations of DDNN and PINN in turns, at equal network and batch.

    An iteration is what a trainer repeats: the draw of a batch, the loss, its gradient, the step of Adam. The PINN's
    loss has the terms of the paper: besides the data, at as many points again, the residual of the equations and the
    initial condition. It is timed too with as few points without data as the family's best recipe takes. The residual
    alone, which evaluates the network as often as the DDNN does, shows what the derivative costs.
    The problem is A, whose data cost nothing to make; that its networks read one input and not four saves both
    families the same few multiply-adds.

    Parameters
    ----------
    hidden
        Hidden layers to time; activations are tanh.
    batch
        Samples in a batch.
    steps
        Iterations of one repetition.
    repetitions
        Repetitions, in each of which every network is timed once, in random order; one more comes first and is not
        counted.
    """

    hidden: tuple[tuple[int, ...], ...] = ((32, 32), (64, 64), (128, 128))
    batch: int = 4_096
    steps: int = 60
    repetitions: int = 15

    @classmethod
    def quick(cls) -> Self:
        """Return the experiment with fewer repetitions of two networks."""
        return cls(hidden=((32, 32), (64, 64)), repetitions=5)

    def measure(self, context: Context) -> Outcome:
        """Time all iterations."""
        turns = [(hidden, method) for hidden in self.hidden for method in _METHODS]
        stages = Stages(context.report, [1.0] * len(turns) * (1 + self.repetitions))
        order = random.Random(context.seed)
        seconds: dict[tuple[tuple[int, ...], str], list[float]] = {turn: [] for turn in turns}
        for repetition in range(1 + self.repetitions):
            for hidden, method in order.sample(turns, len(turns)):
                report = stages.begin(f"repetition {repetition} of {self.repetitions}: {method}")
                family, recipe, options = _METHODS[method]
                training = Training(
                    family,
                    "A",
                    hidden,
                    context.seed + repetition,
                    recipe=recipe,
                    options=options,
                    overrides={
                        "samples": 0,
                        "batch": self.batch,
                        "steps": self.steps,
                        "round_steps": self.steps,
                        "optimizer": "adam",
                        "softness": 0.0,
                    },
                )
                took = load_artifact(train(training, context, report)).metadata.training
                if repetition > 0:
                    seconds[hidden, method].append(took.seconds / took.steps)
        costs = [
            Cost(method, hidden, tuple(found), None if method == BASELINE else ratio(found, seconds[hidden, BASELINE]))
            for (hidden, method), found in seconds.items()
        ]
        figures = Figures(self.batch, tuple(costs))
        return Outcome(figures, (judge(figures),), _table(costs), _picture(figures))


def ratio(seconds: Sequence[float], baseline: Sequence[float]) -> Ratio:
    """Return the ratio of times that were taken in turns."""
    found = median_interval([a / b for a, b in zip(seconds, baseline, strict=True)])
    return Ratio(found.median_s, found.low_s, found.high_s, found.samples)


def judge(figures: Figures) -> Finding:
    """Judge the paper's doubled training time."""
    ratios = _ratios(figures, PAPER_METHOD)
    low, high = ABOUT_TWO
    above = [name for name, found in ratios.items() if found.low > high]
    below = [name for name, found in ratios.items() if found.high < low]
    return Finding(
        statement=statements.TRAINING_COST.words,
        section=statements.TRAINING_COST.section,
        rule=f"reproduced if for every network the 95% interval of the ratio of the times of an iteration, PINN (with "
        f"as many points of each kind) over DDNN, overlaps {low:g} to {high:g}; else refuted",
        measurement="; ".join(
            f"{method}: {_in_words(_ratios(figures, method))}" for method in _METHODS if method != BASELINE
        ),
        verdict="refuted" if above or below else "reproduced",
        why=f"The PINN's iteration takes more than {high:g} times as long as the DDNN's for {', '.join(above)}."
        if above
        else f"The PINN's iteration takes less than {low:g} times as long as the DDNN's for {', '.join(below)}."
        if below
        else "The PINN's iteration takes about twice as long as the DDNN's.",
    )


def _ratios(figures: Figures, method: str) -> dict[str, Ratio]:
    return {_layers(one): one.ratio for one in figures.costs if one.method == method and one.ratio is not None}


def _in_words(ratios: Mapping[str, Ratio]) -> str:
    return ", ".join(
        f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f}) for {name}" for name, found in ratios.items()
    )


def _layers(cost: Cost) -> str:
    return "x".join(map(str, cost.hidden))


def _table(costs: Sequence[Cost]) -> Table:
    rows = []
    for one in costs:
        middle = number(1e3 * median_interval(one.seconds).median_s)
        interval = (
            ("1", "") if one.ratio is None else (f"{one.ratio.median:.2f}", f"{one.ratio.low:.2f}-{one.ratio.high:.2f}")
        )
        rows.append((one.method, _layers(one), middle, *interval))
    return Table(("loss", "hidden", "ms an iteration", "over ddnn", "95% interval"), tuple(rows))


def _picture(figures: Figures) -> bytes:
    networks = list(dict.fromkeys(_layers(one) for one in figures.costs))
    methods = [method for method in _METHODS if method != BASELINE]
    with drawing(7, 4.2) as figure:
        axes = figure.subplots()
        axes.axhspan(*ABOUT_TWO, color="0.9", zorder=0, label=f"around 2: {ABOUT_TWO[0]:g} to {ABOUT_TWO[1]:g}")
        axes.axhline(1, color="0.2", linewidth=1, label="ddnn")
        for index, method in enumerate(methods):
            found = [(networks.index(_layers(one)), one.ratio) for one in figures.costs if one.method == method]
            for place, measured in found:
                if measured is None:
                    continue
                x = place + 0.3 * (index - (len(methods) - 1) / 2)
                colour = COLOURS[index]
                axes.plot([x] * len(measured.samples), measured.samples, "_", color=colour, alpha=0.6, markersize=9)
                axes.errorbar(
                    x + 0.08,
                    measured.median,
                    [[measured.median - measured.low], [measured.high - measured.median]],
                    fmt=MARKERS[index],
                    color=colour,
                    capsize=4,
                    label=method if place == 0 else None,
                )
        axes.set_xticks(range(len(networks)), networks)
        axes.set(
            ylim=(0, None),
            xlabel="hidden layers",
            ylabel=f"time of an iteration over the DDNN's (ratio)\nbatch of {figures.batch:,}; median, 95% interval",
        )
        axes.grid(visible=False, axis="x")
        figure.legend(fontsize=9, loc="outside lower center", ncols=2)
        return png(figure)
