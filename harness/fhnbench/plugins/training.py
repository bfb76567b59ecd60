"""What a surrogate family is asked to train, and how it reports on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fhnbench.problem import Problem


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Where a training stands.

    Parameters
    ----------
    step, steps
        Optimiser steps taken, and the most that will be.
    loss
        Training loss, averaged over the steps since the last report.
    validation_mae
        Mean absolute error over u and w on held-out trajectories; NaN before the first validation.
    remaining_s
        Estimated time to the end, in seconds.
    """

    step: int
    steps: int
    loss: float
    validation_mae: float
    remaining_s: float


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What a surrogate family is asked to train.

    Parameters
    ----------
    problem
        Ranges, horizon, save interval and model to train for.
    hidden
        Sizes of the hidden layers.
    activations
        One for each hidden layer.
    recipe
        Name of a recipe.
    seed
        Seed of weights and data; with one machine, one torch version and one thread count, training repeats.
    overrides
        Values that replace those of the recipe, by name.
    device
        ``cpu`` or ``cuda``.
    checkpoint
        File that holds the state of an interrupted training; resumed from if it exists.
    report
        Called now and then.
    command
        The command line that asks for this training, for the record.
    """

    problem: Problem
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    recipe: str
    seed: int
    overrides: dict[str, float | int | str | bool]
    device: str
    checkpoint: Path
    report: Callable[[TrainingProgress], None]
    command: str
