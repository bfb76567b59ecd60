"""What an artifact records of its training and of its errors."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.artifact import TrainingRecord
from fhnbench.training.seeds import Stream
from fhnbench.training.validation import HeldOut, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench.plugins.training import TrainingTask
    from fhnbench.problem import Ensemble, Problem
    from fhnbench.training.module import NetworkModule

TEST_SAMPLES = 100_000
"""Trajectories on which a finished artifact is measured; they are the same for all artifacts of a problem."""


def validation_record(module: NetworkModule, problem: Problem) -> dict[str, float]:
    """Return the errors of a module on the test trajectories, as `test_record` does."""
    return test_record(problem, lambda ensemble: evaluate(module, ensemble, problem.save_points))


def test_record(problem: Problem, trajectories: Callable[[Ensemble], NDArray[Any]]) -> dict[str, float]:
    """Return errors on the test trajectories, by name; what does not apply (no spikes) is left out.

    Parameters
    ----------
    problem
        What was trained for.
    trajectories
        Gives the trained surrogate's trajectories of an ensemble, ``states[T, 2, N]``.
    """
    held_out = HeldOut.sample(problem, TEST_SAMPLES, 0, Stream.TEST)
    accuracy = msgspec.structs.asdict(held_out.accuracy_of(trajectories(held_out.ensemble)))
    errors = {name: float(value) for name, value in accuracy.items() if value is not None}
    return {**errors, "samples": float(held_out.size)}


def training_record(
    task: TrainingTask,
    recipe: msgspec.Struct,
    *,
    samples: int,
    steps: int,
    seconds: float,
    data_seconds: float,
    best_step: int,
) -> TrainingRecord:
    """Return how an artifact was made, with the command that makes it again."""
    torch: Any = sys.modules.get("torch")  # not every family trains with it
    device = platform.processor() or platform.machine()
    if task.device == "cuda":
        device = torch.cuda.get_device_name()
    packages = ("fhnbench", "numpy", "numba", *(("torch",) if torch else ()))
    return TrainingRecord(
        command=repeating_command(task, steps if task.time_budget is not None else None),
        recipe=task.recipe,
        seed=task.seed,
        samples=samples,
        steps=steps,
        seconds=seconds,
        data_seconds=data_seconds,
        options={
            "recipe": msgspec.to_builtins(recipe),
            "family": dict(task.options),
            "data": "sampled" if task.data is None else f"{task.data.source} (sha256 {task.data.digest})",
            "best_step": best_step,
            "device": device,
            "threads": task.threads,
            "versions": {
                "python": platform.python_version(),
                **{package: version(package) for package in packages},
            },
            "torch": {
                "float32_matmul_precision": torch.get_float32_matmul_precision(),
                "cuda": torch.version.cuda,
                "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            }
            if torch
            else None,
        },
    )


def repeating_command(task: TrainingTask, steps: int | None = None) -> str:
    """Return the ``fhnbench train`` line that asks for the same training.

    Parameters
    ----------
    task
        The training.
    steps
        Steps of the first phase, where a time budget chose them.
    """
    activations = task.activations if len(set(task.activations)) > 1 else task.activations[:1]
    words = ["fhnbench", "train", task.family, "--problem", task.problem.name]
    words += ["--hidden", ",".join(map(str, task.hidden))]
    words += ["--activation", ",".join(activations)] if activations else []
    words += ["--recipe", task.recipe, "--seed", str(task.seed)]
    for name, value in task.options.items():
        words += ["--option", f"{name}={value}"]
    for name, value in {**task.overrides, **({} if steps is None else {"steps": steps})}.items():
        words += ["--set", f"{name}={value}"]
    if task.data is not None:
        words += ["--dataset", task.data.source]
    if task.device != "cpu":
        words += ["--device", task.device]
    return shlex.join([*words, "--threads", str(task.threads)])
