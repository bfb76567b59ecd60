"""What a surrogate family is asked to train, and how it reports on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Where a training stands.

    Parameters
    ----------
    step, steps
        Steps taken, and the most that will be (both phases together).
    loss
        Training loss, averaged over the steps since the last report.
    validation_mae, best_mae
        Mean absolute error over u and w on held-out trajectories: the last one and the least so far; infinity
        before the first validation.
    learning_rate
        Of the last step.
    remaining_s
        Estimated time to the end, in seconds; infinity where nothing is known yet.
    """

    step: int
    steps: int
    loss: float
    validation_mae: float
    best_mae: float
    learning_rate: float
    remaining_s: float


def _ignore(progress: TrainingProgress) -> None:
    del progress


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Trajectories to train on in place of those that a recipe samples.

    Parameters
    ----------
    source, digest
        The file that they come from and the digest of its content, for the record.
    ensemble
        Their initial-value problems.
    states
        Trajectories ``[T, 2, N]`` at the problem's save points, float64.
    """

    source: str
    digest: str
    ensemble: Ensemble
    states: NDArray[Any]


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What a surrogate family is asked to train.

    Parameters
    ----------
    family
        The name of the family, for the record.
    problem
        Ranges, horizon, save interval and model to train for.
    hidden
        Sizes of the hidden layers, or of what takes their place.
    activations
        One for each hidden layer; none for a family without a choice.
    checkpoint
        File that holds the state of an interrupted training; resumed from if it exists, removed at the end.
    recipe
        Name of one of the family's recipes.
    seed
        Seed of weights and data, from 0 to 2**32 - 1; with one machine, one torch version and one thread count,
        training repeats.
    overrides
        Values that replace those of the recipe, by name.
    options
        The family's own options, for the record.
    time_budget
        Seconds that the first phase may take: its steps are chosen after a few were timed. None: the recipe's steps.
    data
        Trajectories to train on; None: those that the recipe samples.
    device
        ``cpu`` or ``cuda``.
    threads
        CPU threads that may be used.
    report
        Called now and then, from the thread that trains.
    """

    family: str
    problem: Problem
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    checkpoint: Path = Path("training.checkpoint")
    recipe: str = "best"
    seed: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    time_budget: float | None = None
    data: TrainingData | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = 1
    report: Callable[[TrainingProgress], None] = _ignore
