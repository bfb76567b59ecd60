"""The trainer that all families share: optimiser, schedule, rounds, validation, checkpoints, the finished artifact."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fhnbench.artifact import Artifact, ArtifactMetadata
from fhnbench.errors import FhnbenchError, Unavailable
from fhnbench.plugins.training import TrainingProgress
from fhnbench.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from fhnbench.training.data import Supply, check_window
from fhnbench.training.module import NetworkModule
from fhnbench.training.optimisers import make_optimizer, one_cycle
from fhnbench.training.recipes import choose_recipe
from fhnbench.training.record import training_record, validation_record
from fhnbench.training.second_order import GaussNewton, require_small
from fhnbench.training.seeds import Stream, torch_seed
from fhnbench.training.validation import HeldOut

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench.plugins.training import TrainingTask
    from fhnbench.structure import Network
    from fhnbench.training.objective import Objective, TrainingDesign
    from fhnbench.training.recipes import Recipe

_WARM_UP_STEPS, _TIMED_STEPS = 5, 20
_FINISH_ROUND = 5
"""Second-order steps on the same batch, between validations."""

_REPORT_S = 0.5


class TrainingDiverged(FhnbenchError):
    """The loss is no longer a finite number."""


def train_surrogate(task: TrainingTask, design: TrainingDesign) -> Artifact:
    """Train a network on an objective, resuming from the task's checkpoint if there is one.

    Parameters
    ----------
    task
        What is asked.
    design
        What the family makes of it.

    Returns
    -------
    Artifact
        The weights of least validation error.

    Raises
    ------
    TrainingDiverged
        If the loss is not finite; the checkpoint of the last good round is kept.
    Unavailable
        If the device is missing.
    FhnbenchError
        If the recipe cannot be, or the checkpoint belongs to another training.
    """
    if task.device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("device cuda: torch finds no CUDA device here; train with --device cpu")
    recipe = choose_recipe(design.recipes, task.recipe, task.overrides)
    finish = design.finish or design.objective
    check_window(task.problem, finish)
    threads = torch.get_num_threads()
    torch.set_num_threads(task.threads)
    try:
        training = _Training(task, design.network, design.objective, recipe)
        training.first_phase()
        training.second_phase(finish)
        artifact = training.artifact()
    finally:
        torch.set_num_threads(threads)
    task.checkpoint.unlink(missing_ok=True)
    return artifact


@dataclass
class _Standing:
    """Where a training stands: what a checkpoint holds beside tensors.

    `stale` counts validations since the last gain, and `rate_age` those since the learning rate last fell.
    """

    steps: int
    learning_rate: float
    step: int = 0
    finish_step: int = 0
    seconds: float = 0.0
    timed_steps: int = 0
    data_seconds: float = 0.0
    validation_mae: float = math.inf
    best_mae: float = math.inf
    best_step: int = 0
    stale: int = 0
    rate_age: int = 0
    first_phase_over: bool = False
    damping: float = 1e-3
    loss: float = math.inf
    horizon_fraction: float = 1.0


class _Training:
    """One training: the module, its optimiser, its data, and where it stands."""

    def __init__(self, task: TrainingTask, network: Network, objective: Objective, recipe: Recipe) -> None:
        self.task, self.objective, self.recipe = task, objective, recipe
        problem = task.problem
        generator = torch.Generator().manual_seed(torch_seed(task.seed, Stream.WEIGHTS))
        self.module = NetworkModule(
            network, problem.save_points, problem.save_interval, generator, recipe.resolution
        ).to(task.device)
        if recipe.finish_steps:
            require_small(self.module)
        self.optimizer = make_optimizer(recipe.optimizer, self.module.parameters(), recipe.learning_rate)
        self.supply = Supply(problem, recipe, task.seed, task.device, task.data)
        self.supply.require(objective)
        self.held_out = HeldOut.sample(problem, recipe.validation_samples, task.seed, Stream.VALIDATION)
        self.identity = fingerprint(
            network, problem, recipe, dict(task.options), task.seed, task.device, task.threads, task.time_budget,
            None if task.data is None else task.data.digest,
        )  # fmt: skip
        self.standing = _Standing(recipe.steps, recipe.learning_rate)
        if recipe.curriculum:
            self.standing.horizon_fraction = recipe.curriculum_start
        self.best = self._weights()
        resumed = self._resume()
        if not resumed and task.time_budget is not None:
            self.standing.steps = self._steps_within(task.time_budget)

    def first_phase(self) -> None:
        """Take first-order steps, a round at a time, until there are enough or validation stops improving."""
        standing, recipe = self.standing, self.recipe
        while standing.step < standing.steps and not standing.first_phase_over:
            self.supply.begin_round(standing.step // recipe.round_steps)
            began = time.perf_counter()
            self._round(min(recipe.round_steps, standing.steps - standing.step))
            self._count_time(began)
            self._validate()
            self._grow_horizon()
            if recipe.schedule == "plateau" and standing.rate_age >= recipe.plateau_patience:
                standing.learning_rate *= recipe.plateau_factor
                standing.rate_age = 0
            standing.first_phase_over = 0 < recipe.early_stop <= standing.stale
            self._save()

    def second_phase(self, objective: Objective) -> None:
        """Take second-order steps on an objective."""
        standing, recipe = self.standing, self.recipe
        if standing.finish_step >= recipe.finish_steps:
            return
        self.module.double()
        self.supply.require(objective)
        solver = GaussNewton(self.module, objective, recipe.softness, standing.damping)
        while standing.finish_step < recipe.finish_steps:
            self.supply.begin_round(-(-standing.steps // recipe.round_steps) + standing.finish_step)
            began = time.perf_counter()
            batch = self.supply.draw_even(recipe.finish_batch, standing.horizon_fraction).double()
            for _ in range(min(_FINISH_ROUND, recipe.finish_steps - standing.finish_step)):
                standing.loss = solver.step(batch)
                standing.finish_step += 1
                self._require_finite(torch.tensor([standing.loss]))
                self._report(standing.loss)
            self._count_time(began)
            standing.damping = solver.damping
            self._validate()
            self._grow_horizon()
            self._save()

    def artifact(self) -> Artifact:
        """Return the best weights, measured on test trajectories, with the record of the training."""
        module = self.module.float()
        module.load_state_dict(self.best)
        standing, task = self.standing, self.task
        training = training_record(
            task,
            self.recipe,
            samples=self.supply.size,
            steps=standing.step,
            seconds=standing.seconds,
            data_seconds=standing.data_seconds + self.supply.seconds,
            best_step=standing.best_step,
        )
        metadata = ArtifactMetadata(
            task.family, task.problem, module.network, training, validation_record(module, task.problem)
        )
        return module.artifact(metadata)

    def _round(self, steps: int) -> None:
        standing = self.standing
        losses: list[Tensor] = []
        reported = time.perf_counter()
        for _ in range(steps):
            losses.append(self._descend(standing.step))
            standing.step += 1
            if time.perf_counter() - reported > _REPORT_S:
                self._report(self._require_finite(torch.stack(losses)))
                reported = time.perf_counter()
        standing.loss = self._require_finite(torch.stack(losses))
        self._report(standing.loss)

    def _descend(self, step: int) -> Tensor:
        """Take one first-order step and return the loss before it."""
        recipe, standing = self.recipe, self.standing
        if recipe.schedule == "one-cycle":
            standing.learning_rate = one_cycle(recipe, (step + 1) / (standing.steps + 1))
        for group in self.optimizer.param_groups:
            group["lr"] = standing.learning_rate
        batch = self.supply.draw(recipe.batch, standing.horizon_fraction)
        self.optimizer.zero_grad()
        loss = self.objective.loss(self.module, batch, recipe.softness)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def _grow_horizon(self) -> None:
        """Let the curriculum go on, if the last round's loss allows it."""
        standing, recipe = self.standing, self.recipe
        if recipe.curriculum and not 0 < recipe.curriculum_loss <= standing.loss:
            growth = recipe.curriculum_start ** (-1 / recipe.curriculum)
            standing.horizon_fraction = min(1.0, standing.horizon_fraction * growth)

    def _require_finite(self, losses: Tensor) -> float:
        """Return the mean of the losses of the last steps; raise if one is not finite."""
        if bool(torch.isfinite(losses).all()):
            return float(losses.mean())
        standing = self.standing
        first = int((~torch.isfinite(losses)).nonzero()[0])
        step = standing.step + standing.finish_step - len(losses) + first + 1
        file = self.task.checkpoint
        kept = f"the last good state is kept in {file}" if file.exists() else "no good state was reached"
        raise TrainingDiverged(
            f"the loss is {float(losses[first])} at step {step} (learning rate {standing.learning_rate:.3g}); {kept}; "
            f"train with a lower rate: --set learning_rate={standing.learning_rate / 4:.2g}"
        )

    def _count_time(self, began: float) -> None:
        self.standing.seconds += time.perf_counter() - began
        self.standing.timed_steps = self.standing.step + self.standing.finish_step

    def _validate(self) -> None:
        standing = self.standing
        standing.validation_mae = self.held_out.mae(self.module)
        if standing.validation_mae < standing.best_mae:
            standing.best_mae = standing.validation_mae
            standing.best_step = standing.step + standing.finish_step
            standing.stale = standing.rate_age = 0
            self.best = self._weights()
        else:
            standing.stale += 1
            standing.rate_age += 1

    def _report(self, loss: float) -> None:
        standing, steps = self.standing, self.standing.steps + self.recipe.finish_steps
        done = standing.step + standing.finish_step
        step_s = standing.seconds / standing.timed_steps if standing.timed_steps else math.inf
        self.task.report(
            TrainingProgress(
                step=done,
                steps=steps,
                loss=loss,
                validation_mae=standing.validation_mae,
                best_mae=standing.best_mae,
                learning_rate=standing.learning_rate,
                remaining_s=step_s * (steps - done) if done < steps else 0.0,
            )
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().float().clone() for name, value in self.module.state_dict().items()}

    def _save(self) -> None:
        standing = dataclasses.replace(self.standing, data_seconds=self.standing.data_seconds + self.supply.seconds)
        state: dict[str, Any] = {"standing": dataclasses.asdict(standing), "weights": self.module.state_dict()}
        state |= {"best": self.best, "optimizer": self.optimizer.state_dict()}
        save_checkpoint(self.task.checkpoint, self.identity, state)

    def _resume(self) -> bool:
        state = load_checkpoint(self.task.checkpoint, self.identity, self.task.device)
        if state is None:
            return False
        self.standing = _Standing(**state["standing"])
        self.best = state["best"]
        if self.standing.finish_step:
            self.module.double()
        self.module.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        return True

    def _steps_within(self, seconds: float) -> int:
        """Time a few steps, undo them, and return how many fit, in whole rounds."""
        self.supply.begin_round(0)
        began = 0.0
        for step in range(_WARM_UP_STEPS + _TIMED_STEPS):
            if step == _WARM_UP_STEPS:
                began = time.perf_counter()
            float(self._descend(step))  # waits for the device
        step_seconds = (time.perf_counter() - began) / _TIMED_STEPS
        self.module.load_state_dict(self.best)
        self.optimizer = make_optimizer(self.recipe.optimizer, self.module.parameters(), self.recipe.learning_rate)
        return max(1, round(seconds / step_seconds / self.recipe.round_steps)) * self.recipe.round_steps
