"""Training of the family ``fitted``: damped Gauss-Newton on whole trajectories, from a classical method."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fhnbench import (
    Artifact,
    ArtifactMetadata,
    FhnbenchError,
    HeldOut,
    Integrator,
    Stream,
    TrainingProgress,
    Unavailable,
    integrate,
    stream_seed,
    suggestion,
    test_record,
    training_record,
)
from fhnbench_fitted.coefficients import Layout, classical
from fhnbench_fitted.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from fhnbench import Ensemble, TrainingTask

_ATTEMPTS = 8
_LEAST_DAMPING = 1e-12


class FitRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an integrator is fitted.

    Parameters
    ----------
    steps
        Steps of Gauss-Newton.
    batch
        Trajectories of a step.
    steps_per_batch
        Steps that are taken on the same trajectories.
    samples
        Size of a fixed set of trajectories; 0: fresh ones throughout.
    softness
        Scale of the pseudo-Huber loss, below which it squares an error and above which it takes its absolute value.
    validation_samples
        Held-out trajectories by which the best coefficients are chosen.
    """

    steps: int = 100
    batch: int = 2_000
    steps_per_batch: int = 2
    samples: int = 0
    softness: float = 2e-3
    validation_samples: int = 5_000

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch": 1, "steps_per_batch": 1, "samples": 0, "validation_samples": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise FhnbenchError(f"recipe: {name}={getattr(self, name)} must be at least {value}")
        if not (math.isfinite(self.softness) and self.softness > 0):
            raise FhnbenchError(f"recipe: softness={self.softness} must be positive")

    @classmethod
    def of(cls, name: str, overrides: Mapping[str, Any]) -> FitRecipe:
        """Return the recipe of a name, of which there is one, with some values replaced."""
        if name != "best":
            raise FhnbenchError(f"no recipe {name!r}; {suggestion(name, ['best'])}")
        for field in overrides:
            if field not in cls.__struct_fields__:
                raise FhnbenchError(f"a recipe has no {field!r}; {suggestion(field, sorted(cls.__struct_fields__))}")
        try:
            return msgspec.convert(dict(overrides), cls, strict=False)
        except msgspec.ValidationError as error:
            raise FhnbenchError(f"recipe: {error}") from None


def train(task: TrainingTask) -> Artifact:
    """Fit an integrator with the stages that a task asks for.

    Raises
    ------
    Unavailable
        If the task asks for a GPU.
    FhnbenchError
        If the recipe or the stages cannot be, or no trajectory of the start is finite.
    """
    recipe = FitRecipe.of(task.recipe, task.overrides)
    if task.device != "cpu":
        raise Unavailable(f"device {task.device}: an integrator is fitted on the CPU; leave out --device")
    integrator = Integrator(task.hidden)
    layout = Layout(integrator)
    fitting = _Fitting(task, recipe, layout)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        numbers = fitting.best(layout.vector(classical(integrator, task.problem)))
    tensors = layout.tensors(numbers)
    rounded = Rollout(layout, layout.vector({name: tensor.astype(np.float64) for name, tensor in tensors.items()}))
    errors = test_record(task.problem, lambda ensemble: rounded.states(ensemble, task.problem.save_points))
    training = training_record(
        task,
        recipe,
        samples=fitting.samples,
        steps=fitting.step,
        seconds=fitting.seconds,
        data_seconds=fitting.data_seconds,
        best_step=fitting.best_step,
    )
    return Artifact(ArtifactMetadata(task.family, task.problem, integrator, training, errors), tensors)


class _Fitting:
    """One training: its trajectories, and where it stands."""

    def __init__(self, task: TrainingTask, recipe: FitRecipe, layout: Layout) -> None:
        self._task, self._recipe, self._layout = task, recipe, layout
        self._held_out = HeldOut.sample(task.problem, recipe.validation_samples, task.seed, Stream.VALIDATION)
        self._damping = 1e-2
        self.step = self.best_step = self.samples = 0
        self.seconds = self.data_seconds = 0.0
        self._fixed: tuple[Ensemble, NDArray[np.float64]] | None = None
        if task.data is not None:
            self._fixed = task.data.ensemble, task.data.states
        elif recipe.samples:
            self._fixed = self._trajectories(recipe.samples, 0)
        if self._fixed is not None:
            self.samples = self._fixed[0].size

    def best(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take all steps from `numbers`, and return those of least validation error on the way."""
        best, least = numbers, self._validate(numbers)
        if not math.isfinite(least):
            stages = self._layout.integrator.stages
            raise FhnbenchError(
                f"fitted: the classical method with {len(stages)} steps of {stages[0]} stages diverges, so there is no "
                f"start; give --hidden more steps or stages"
            )
        while self.step < self._recipe.steps and not self._over_budget():
            began = time.perf_counter()
            ensemble, states = self._batch(self.step)
            self.data_seconds += time.perf_counter() - began
            for _ in range(min(self._recipe.steps_per_batch, self._recipe.steps - self.step)):
                began = time.perf_counter()
                numbers, loss = self._descend(numbers, ensemble, states)
                self.step += 1
                self.seconds += time.perf_counter() - began
            error = self._validate(numbers)
            if error < least:
                best, least, self.best_step = numbers, error, self.step
            self._report(loss, error, least)
        return best

    def _descend(
        self, numbers: NDArray[np.float64], ensemble: Ensemble, states: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return the numbers after a step that lowers the loss (or the same, if none does) and the loss before it."""
        before = self._loss(numbers, ensemble, states)
        matrix, slope = self._normal_equations(numbers, ensemble, states)
        diagonal = np.maximum(matrix.diagonal(), matrix.diagonal().max() * 1e-12)
        for _ in range(_ATTEMPTS):
            step = np.linalg.lstsq(matrix + np.diag(self._damping * diagonal), -slope, rcond=None)[0]
            if self._loss(numbers + step, ensemble, states) < before:
                self._damping = max(self._damping / 5, _LEAST_DAMPING)
                return numbers + step, before
            self._damping *= 4
        return numbers, before

    def _loss(self, numbers: NDArray[np.float64], ensemble: Ensemble, states: NDArray[np.float64]) -> float:
        """Return the pseudo-Huber loss, infinity where trajectories diverge."""
        softness = self._recipe.softness
        errors = (Rollout(self._layout, numbers).states(ensemble, len(states)) - states)[1:] / softness
        loss = float(2 * softness**2 * (np.sqrt(1 + errors**2) - 1).mean())
        return loss if math.isfinite(loss) else math.inf

    def _normal_equations(
        self, numbers: NDArray[np.float64], ensemble: Ensemble, states: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``J'WJ`` and ``J'Wr``, with the weights W of iteratively reweighted least squares."""
        size = self._layout.size
        matrix, slope = np.zeros((size, size)), np.zeros(size)
        rollout = Rollout(self._layout, numbers, derivatives=True)
        for point, duals in enumerate(rollout.advance(ensemble, len(states) - 1), start=1):
            for dual, expected in zip(duals, states[point], strict=True):
                errors, jacobian = dual[0] - expected, dual[1:]
                weighted = jacobian / np.sqrt(1 + (errors / self._recipe.softness) ** 2)
                matrix += weighted @ jacobian.T
                slope += weighted @ errors
        return matrix, slope

    def _validate(self, numbers: NDArray[np.float64]) -> float:
        states = Rollout(self._layout, numbers).states(self._held_out.ensemble, self._task.problem.save_points)
        return self._held_out.mae_of(states)

    def _batch(self, number: int) -> tuple[Ensemble, NDArray[np.float64]]:
        if self._fixed is None:
            return self._trajectories(self._recipe.batch, number)
        ensemble, states = self._fixed
        generator = np.random.default_rng(stream_seed(self._task.seed, Stream.BATCHES, number))
        chosen = generator.permutation(ensemble.size)[: self._recipe.batch]
        inputs = {name: getattr(ensemble, name)[chosen] for name in ("u0", "w0", "i_app")}
        return dataclasses.replace(ensemble, **inputs), states[:, :, chosen]

    def _trajectories(self, size: int, number: int) -> tuple[Ensemble, NDArray[np.float64]]:
        problem = self._task.problem
        seed = stream_seed(self._task.seed, Stream.TRAJECTORIES, number)
        ensemble = problem.sample(size if problem.varied else 1, "uniform", seed)
        return ensemble, integrate(problem, ensemble, problem.save_interval / 20, "rk4")

    def _over_budget(self) -> bool:
        budget = self._task.time_budget
        return budget is not None and self.seconds + self.data_seconds > budget

    def _report(self, loss: float, error: float, least: float) -> None:
        step_s = (self.seconds + self.data_seconds) / self.step
        self._task.report(
            TrainingProgress(
                step=self.step,
                steps=self._recipe.steps,
                loss=loss,
                validation_mae=error,
                best_mae=least,
                learning_rate=self._damping,
                remaining_s=step_s * (self._recipe.steps - self.step),
            )
        )
