"""Figure 4: how iterated networks fail, and whether predicting the increment prevents it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import msgspec
import numpy as np

from fhnbench import Ensemble, contender_trajectories, reference_trajectories, standard_problem
from fhnbench_paper import statements
from fhnbench_paper.experiment import Experiment, Outcome
from fhnbench_paper.failures import RULE, Classified, Kind, classify
from fhnbench_paper.failures_picture import Example, draw
from fhnbench_paper.progress import Stages
from fhnbench_paper.record import Finding
from fhnbench_paper.tables import Table, number
from fhnbench_paper.trainings import Training, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench import Problem
    from fhnbench_paper.experiment import Context

OFTEN, OCCURS = 0.1, 0.01
"""The share of rollouts that "often" means, and that shows that a mode occurs at all."""

_METHODS: dict[str, tuple[str, dict[str, str]]] = {
    "itnn, next state": ("itnn", {"target": "state"}),
    "itnn, increment": ("itnn", {"target": "increment"}),
    "ddnn": ("ddnn", {}),
}
"""Family and options of what is compared; the first is the paper's iterated network."""

PAPER_METHOD, INCREMENT_METHOD, CONTINUOUS_METHOD = _METHODS


class RolloutErrors(msgspec.Struct, frozen=True):
    """The rollouts of one trained network.

    Parameters
    ----------
    method, hidden, activation, seed
        What was trained.
    mae
        Over u and w, all save points and samples; None if a rollout diverged.
    one_step_mae
        Of a single pass over a save interval, from states of the reference; None for a network of t.
    shares
        Share of the samples of each kind.
    median_shift, p95_shift
        Of the size of the shift among shifted samples, in time units, at the last event.
    growing_share
        Share of the shifted samples whose shift is larger at the last event than at the first.
    """

    method: str
    hidden: tuple[int, ...]
    activation: str
    seed: int
    mae: float | None
    one_step_mae: float | None
    shares: dict[str, float]
    median_shift: float | None
    p95_shift: float | None
    growing_share: float | None


class Figures(msgspec.Struct, frozen=True):
    """What is measured; `classification` is the rule by which rollouts are told apart."""

    samples: int
    classification: str
    rollouts: tuple[RolloutErrors, ...]


@final
@dataclass(frozen=True)
class IterativeFailures(Experiment):
    """Train iterated networks and a network of t at equal hidden layers and training, and classify their rollouts.

    Parameters
    ----------
    problem
        Problem.
    networks
        Hidden layers and their activation.
    seeds
        Trainings of each.
    steps
        Steps of the paper's recipe.
    size
        Fresh samples that are rolled out.
    """

    problem: str = "C"
    networks: tuple[tuple[tuple[int, ...], str], ...] = (
        ((4, 4), "tanh"),
        ((8, 8), "tanh"),
        ((8, 8), "relu"),
        ((16, 16), "tanh"),
        ((16, 16), "relu"),
        ((32, 32), "tanh"),
    )
    seeds: int = 2
    steps: int = 10_000
    size: int = 20_000

    @classmethod
    def quick(cls) -> Self:
        """Return the experiment with one network of each kind and fewer steps."""
        return cls(networks=(((8, 8), "tanh"),), seeds=1, steps=2_000, size=5_000)

    def measure(self, context: Context) -> Outcome:
        """Train, roll out and classify."""
        problem = standard_problem(self.problem)
        steps = {"steps": self.steps}
        ensemble = problem.sample(self.size if problem.varied else 1, "uniform", context.seed)
        trainings = [
            (
                method,
                Training(family, self.problem, hidden, context.seed + k, activation, options=options, overrides=steps),
            )
            for hidden, activation in self.networks
            for k in range(self.seeds)
            for method, (family, options) in _METHODS.items()
        ]
        stages = Stages(context.report, [0.3, *(1.0 for _ in trainings)])
        reference, _ = reference_trajectories(problem, ensemble, progress=stages.begin("reference"))
        rollouts: list[RolloutErrors] = []
        examples: dict[Kind, Example] = {}
        for method, training in trainings:
            label = f"{method}, {'x'.join(map(str, training.hidden))} {training.activation}"
            file = train(training, context, stages.begin(f"training {label}, seed {training.seed}"))
            contender = f"{training.family}-torch[artifact={file}]"
            states = contender_trajectories(contender, problem, ensemble, threads=context.threads)
            found = classify(states, reference, problem.times)
            one_step = None
            if training.family == "itnn":
                one_step = _one_step_mae(contender, problem, ensemble, reference, context.threads)
            rollouts.append(_summary(method, training, found, one_step))
            if method == PAPER_METHOD:
                for kind in (Kind.EQUILIBRIUM, Kind.SHIFT):
                    if found.share(kind) > (examples[kind].share if kind in examples else 0):
                        examples[kind] = _example(label, kind, found, states, reference, problem)
        figures = Figures(self.size, RULE, tuple(rollouts))
        shares = {method: _mean_shares(rollouts, method) for method in _METHODS}
        return Outcome(figures, judge(figures), _table(rollouts), draw(examples, shares))


def _summary(method: str, training: Training, found: Classified, one_step: float | None) -> RolloutErrors:
    shifted = found.kinds == Kind.SHIFT
    sizes = np.abs(found.shifts[shifted])
    median, high = (float(np.quantile(sizes, q)) for q in (0.5, 0.95)) if sizes.size else (None, None)
    return RolloutErrors(
        method=method,
        hidden=training.hidden,
        activation=training.activation,
        seed=training.seed,
        mae=float(found.errors.mean()) if np.isfinite(found.errors).all() else None,
        one_step_mae=one_step,
        shares={kind.name.lower(): found.share(kind) for kind in Kind},
        median_shift=median,
        p95_shift=high,
        growing_share=float((sizes > np.abs(found.first_shifts[shifted])).mean()) if sizes.size else None,
    )


def _one_step_mae(
    contender: str, problem: Problem, ensemble: Ensemble, reference: NDArray[np.float64], threads: int
) -> float:
    """Return the mean error of single passes from a state of the reference, another save point for each sample."""
    samples = np.arange(ensemble.size)
    points = samples % (problem.save_points - 1)
    u, w = np.ascontiguousarray(reference[points, :, samples].T)
    one_interval = dataclasses.replace(problem, horizon=problem.save_interval)
    start = Ensemble(u, w, ensemble.i_app, ensemble.model)
    states = contender_trajectories(contender, one_interval, start, threads=threads)
    return float(np.abs(states[1] - reference[points + 1, :, samples].T).mean())


def _example(
    label: str,
    kind: Kind,
    found: Classified,
    states: NDArray[Any],
    reference: NDArray[np.float64],
    problem: Problem,
) -> Example:
    """Return an example of a kind: the median error, or of the shifts one that grows more than most."""
    samples = np.flatnonzero(found.kinds == kind)
    if kind == Kind.SHIFT:
        order, quantile = np.abs(found.shifts) - np.abs(found.first_shifts), 0.95
    else:
        order, quantile = found.errors, 0.5
    sample = samples[np.argsort(order[samples])[int(quantile * len(samples))]]
    shift = None if np.isnan(found.shifts[sample]) else float(found.shifts[sample])
    return Example(label, found.share(kind), problem.times, states[:, :, sample], reference[:, :, sample], shift)


def judge(figures: Figures) -> tuple[Finding, Finding, Finding]:
    """Judge the two failure modes, and whether iterated networks are worse than networks of t."""
    rollouts = figures.rollouts
    return _judge_shift(rollouts), _judge_equilibrium(rollouts), _judge_against_continuous(rollouts)


def _mean_shares(rollouts: Sequence[RolloutErrors], method: str) -> dict[str, float]:
    chosen = [one.shares for one in rollouts if one.method == method]
    return {kind.name.lower(): float(np.mean([shares[kind.name.lower()] for shares in chosen])) for kind in Kind}


def _shares_in_words(rollouts: Sequence[RolloutErrors], kind: str, words: str) -> str:
    shares = {method: _mean_shares(rollouts, method) for method in (PAPER_METHOD, INCREMENT_METHOD)}
    return "; ".join(
        f"{method}: {1 - share['accurate']:.1%} of the rollouts fail, {share[kind]:.1%} {words}"
        for method, share in shares.items()
    )


def _judge_shift(rollouts: Sequence[RolloutErrors]) -> Finding:
    own = [one for one in rollouts if one.method == PAPER_METHOD]
    shifts = [one.median_shift for one in own if one.median_shift is not None]
    growing = [one.growing_share for one in own if one.growing_share is not None]
    share = _mean_shares(rollouts, PAPER_METHOD)["shift"]
    grows = bool(growing) and float(np.mean(growing)) >= 0.5
    spread = f" (medians of its size {min(shifts):.2g} to {max(shifts):.2g} time units)" if shifts else ""
    return Finding(
        statement=statements.SHIFT.words,
        section=statements.SHIFT.section,
        rule=f"reproduced if, averaged over the networks that predict the next state, at least {OFTEN:.0%} of the "
        f"rollouts fail by a shift, and at least half of these shifts grow from the first event to the last; else "
        f"refuted; {RULE}",
        measurement=_shares_in_words(rollouts, "shift", "by a shift")
        + (f"; {np.mean(growing):.0%} of the shifts of the first grow{spread}" if growing else ""),
        verdict="reproduced" if share >= OFTEN and grows else "refuted",
        why="Rollouts often drift in time, and ever more."
        if share >= OFTEN and grows
        else "Shifts are rare."
        if share < OFTEN
        else "Rollouts are shifted, but the shift does not grow.",
    )


def _judge_equilibrium(rollouts: Sequence[RolloutErrors]) -> Finding:
    share = _mean_shares(rollouts, PAPER_METHOD)["equilibrium"]
    return Finding(
        statement=statements.EQUILIBRIUM.words,
        section=statements.EQUILIBRIUM.section,
        rule=f"reproduced if, averaged over the networks that predict the next state, at least {OCCURS:.0%} of the "
        f"rollouts end in a false equilibrium; else refuted; {RULE}",
        measurement=_shares_in_words(rollouts, "equilibrium", "in an equilibrium"),
        verdict="reproduced" if share >= OCCURS else "refuted",
        why="Rollouts do come to rest where the solution does not."
        if share >= OCCURS
        else "Hardly a rollout comes to rest where the solution does not.",
    )


def _judge_against_continuous(rollouts: Sequence[RolloutErrors]) -> Finding:
    median = {
        method: float(np.median([np.inf if one.mae is None else one.mae for one in rollouts if one.method == method]))
        for method in _METHODS
    }
    worse = [median[method] > median[CONTINUOUS_METHOD] for method in (PAPER_METHOD, INCREMENT_METHOD)]
    return Finding(
        statement=statements.ITNN_WORSE.words,
        section=statements.ITNN_WORSE.section,
        rule="reproduced if the median MAE of the networks that predict the next state and of those that predict the "
        "increment are both above that of the DDNN at equal hidden layers and training; refuted if both are below; "
        "not comparable if they disagree",
        measurement="median MAE: "
        + "; ".join(
            f"{method} {number(value) if np.isfinite(value) else 'diverged'}" for method, value in median.items()
        ),
        verdict="reproduced" if all(worse) else "not comparable" if any(worse) else "refuted",
        why="Both kinds of iterated network are worse than the network of t."
        if all(worse)
        else "It depends on what the iterated network predicts, which the paper fixes."
        if any(worse)
        else "Both kinds of iterated network are better than the network of t at equal hidden layers and training.",
    )


def _table(rollouts: Sequence[RolloutErrors]) -> Table:
    rows = []
    for one in rollouts:
        shares = [f"{one.shares[kind.name.lower()]:.1%}" for kind in Kind]
        errors = [number(value) for value in (one.one_step_mae, one.mae, one.median_shift)]
        layers = "x".join(map(str, one.hidden))
        rows.append((one.method, f"{layers} {one.activation}", str(one.seed), *errors, *shares))
    kinds = ["accurate", "I: shift", "II: equilibrium", "diverged", "other"]
    return Table(
        ("network", "hidden", "seed", "MAE of one pass", "MAE", "median shift (time units)", *kinds), tuple(rows)
    )
