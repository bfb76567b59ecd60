"""Surrogates that experiments train: found again when an interrupted experiment is repeated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

import fhnbench
from fhnbench import TrainingProgress, TrainingTask, standard_problem, surrogate_family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fhnbench_paper.experiment import Context


@dataclass(frozen=True, slots=True)
class Training:
    """A training as an experiment asks for it; fields are those of `TrainingTask`, activations one for all layers."""

    family: str
    problem: str
    hidden: tuple[int, ...]
    seed: int
    activation: str = "tanh"
    recipe: str = "paper"
    options: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def key(self, threads: int) -> str:
        """Return a name that only the very same training has."""
        content = msgspec.json.encode((fhnbench.__version__, threads, msgspec.to_builtins(self)))
        return f"{self.family}-{self.problem}-{hashlib.sha256(content).hexdigest()[:16]}"


def train(training: Training, context: Context, report: Callable[[float], None]) -> Path:
    """Train a surrogate, unless an interrupted experiment left the artifact of the same training.

    Parameters
    ----------
    training
        What to train.
    context
        Gives the folder that keeps artifacts and checkpoints.
    report
        Called with the fraction done.

    Returns
    -------
    Path
        The artifact's file, which lasts as long as the experiment.
    """
    file = context.work / f"{training.key(context.threads)}.safetensors"
    if file.exists():
        return file

    def show(progress: TrainingProgress) -> None:
        report(progress.step / progress.steps)

    task = TrainingTask(
        family=training.family,
        problem=standard_problem(training.problem),
        hidden=training.hidden,
        activations=(training.activation,) * len(training.hidden),
        checkpoint=file.with_suffix(".checkpoint"),
        recipe=training.recipe,
        seed=training.seed,
        overrides=training.overrides,
        options=training.options,
        threads=context.threads,
        report=show,
    )
    surrogate_family(training.family, training.options).train(task).save(file)
    return file
