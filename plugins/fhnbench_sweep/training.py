"""The training of a batch of networks: one stack, one stream of samples, a schedule and best weights for each.

What a network learns does not depend on what it is stacked with: losses are summed, so each network's gradient is its
own, and its learning rate, its validations and its best weights are as the trainer of single networks keeps them.

`train_batch` takes and returns plain values and arrays, so that it can be sent to another process.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from fhnbench import (
    FhnbenchError,
    HeldOut,
    NetworkModule,
    NetworkStack,
    Recipe,
    Stream,
    Supply,
    TrainingTask,
    Unavailable,
    one_cycle,
    standard_problem,
    surrogate_family,
    torch_seed,
)
from fhnbench_sweep.adam import StackedAdam
from fhnbench_sweep.allocation import keep_freed_memory
from fhnbench_sweep.outcome import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from fhnbench import Objective, TrainingDesign

_COMPACT = 0.75
"""Networks that are done are dropped once fewer than this share of a stack are still trained."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of networks to train.

    Parameters
    ----------
    name
        Of the batch.
    problem, family
        What is trained, by name; the family's options are its defaults.
    candidates
        Name, hidden sizes and activations of each.
    recipe
        How.
    seed
        Of weights and data.
    test_samples
        Test trajectories.
    device, threads
        Where.
    """

    name: str
    problem: str
    family: str
    candidates: tuple[tuple[str, tuple[int, ...], tuple[str, ...]], ...]
    recipe: Recipe
    seed: int
    test_samples: int
    device: str = "cpu"
    threads: int = 1


def require_trainable(recipe: Recipe) -> None:
    """Raise `FhnbenchError` if a recipe asks for what stacks of networks are not trained with."""
    for name, wanted in (("optimizer", "adam"), ("finish_steps", 0), ("curriculum", 0)):
        if getattr(recipe, name) != wanted:
            raise FhnbenchError(
                f"recipe: {name}={getattr(recipe, name)}: many networks at a time are trained with {name}={wanted} only"
            )


def design_of(job: Job, hidden: tuple[int, ...], activations: tuple[str, ...]) -> TrainingDesign:
    """Return what the family makes of a candidate."""
    task = TrainingTask(job.family, standard_problem(job.problem), hidden, activations, seed=job.seed)
    return surrogate_family(job.family, {}).design(task)


def initial_module(design: TrainingDesign, job: Job) -> NetworkModule:
    """Return a candidate's network with the weights that its training starts from."""
    problem = standard_problem(job.problem)
    generator = torch.Generator().manual_seed(torch_seed(job.seed, Stream.WEIGHTS))
    return NetworkModule(design.network, problem.save_points, problem.save_interval, generator, job.recipe.resolution)


def train_batch(content: bytes) -> tuple[bytes, dict[str, NDArray[np.float32]]]:
    """Train the networks of a job.

    Parameters
    ----------
    content
        A `Job` as JSON.

    Returns
    -------
    outcomes : bytes
        Their `Outcome`s, a JSON list.
    weights : dict
        Their best weights, by ``FAMILY/CANDIDATE/SEED/weight0`` and so on.

    Raises
    ------
    Unavailable
        If the device is missing.
    """
    job = msgspec.json.decode(content, type=Job)
    if job.device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("device cuda: torch finds no CUDA device here; train with --device cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(job.threads)
    keep_freed_memory()
    try:
        outcomes, weights = StackTraining(job).run()
    finally:
        torch.set_num_threads(threads)
    return msgspec.json.encode(outcomes), weights


class StackTraining:
    """The training of one job; arrays are ``[K]``, in the order of its candidates."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.problem = standard_problem(job.problem)
        designs = [design_of(job, hidden, activations) for _, hidden, activations in job.candidates]
        self.objective: Objective = designs[0].objective
        modules = [initial_module(design, job) for design in designs]
        self.parameters = [sum(p.numel() for p in module.parameters()) for module in modules]
        self.stack = NetworkStack(modules).to(job.device)
        self.adam = StackedAdam(self.stack)
        self.supply = supply_of(job, self.objective)
        self.members = np.arange(len(modules))
        """Places in the job of the networks that are in the stack."""
        count = len(modules)
        self.rates = np.full(count, job.recipe.learning_rate)
        self.best = np.full(count, np.inf)
        self.best_steps, self.steps = np.zeros(count, int), np.zeros(count, int)
        self.stale, self.rate_age = np.zeros(count, int), np.zeros(count, int)
        self.active = np.ones(count, np.bool_)
        self.reasons = [""] * count
        self.best_modules = modules

    def run(self) -> tuple[list[Outcome], dict[str, NDArray[np.float32]]]:
        """Train, then measure the best weights on test trajectories."""
        began = time.perf_counter()
        recipe, step = self.job.recipe, 0
        while step < recipe.steps and self.active.any():
            self.supply.begin_round(step // recipe.round_steps)
            count = min(recipe.round_steps, recipe.steps - step)
            losses = torch.stack([self.descend(step + number) for number in range(count)])
            self._require_finite(losses.cpu().numpy(), step)
            step += count
            self.steps[self.active] = step
            self._validate(step)
            self._compact()
        tests = self._test()
        seconds = (time.perf_counter() - began) / len(self.reasons)
        return [self._outcome(k, tests.get(k), seconds) for k in range(len(self.reasons))], self._weights()

    def descend(self, step: int) -> Tensor:
        """Take one step of all networks and return their losses before it."""
        recipe = self.job.recipe
        if recipe.schedule == "one-cycle":
            self.rates[:] = one_cycle(recipe, (step + 1) / (recipe.steps + 1))
        rates = torch.tensor((self.rates * self.active)[self.members], dtype=torch.float32)
        batch = self.supply.draw(recipe.batch).for_stack()
        losses = self.objective.losses(self.stack, batch, recipe.softness)
        gradients = torch.autograd.grad(losses.sum(), list(self.stack.parameters()))
        self.adam.step(gradients, rates)
        return losses.detach()

    def _require_finite(self, losses: NDArray[np.float32], step: int) -> None:
        """Give up the networks whose loss is no longer finite; the others know nothing of it."""
        for place, k in enumerate(self.members):
            wrong = np.flatnonzero(~np.isfinite(losses[:, place]))
            if self.active[k] and wrong.size:
                self.active[k] = False
                self.steps[k] = step + wrong[0] + 1
                self.reasons[k] = f"the loss is {losses[wrong[0], place]} at step {step + wrong[0] + 1}"

    def _validate(self, step: int) -> None:
        recipe = self.job.recipe
        held_out = _held_out(self.job.problem, recipe.validation_samples, self.job.seed, Stream.VALIDATION)
        states = held_out.states(self.stack)
        for place, k in enumerate(self.members):
            if not self.active[k]:
                continue
            error = held_out.mae_of(states[:, :, place])
            if error < self.best[k]:
                self.best[k], self.best_steps[k] = error, step
                self.stale[k] = self.rate_age[k] = 0
                self.best_modules[k] = self.stack.member(place)
            else:
                self.stale[k] += 1
                self.rate_age[k] += 1
            if recipe.schedule == "plateau" and self.rate_age[k] >= recipe.plateau_patience:
                self.rates[k] *= recipe.plateau_factor
                self.rate_age[k] = 0
            if 0 < recipe.early_stop <= self.stale[k]:
                self.active[k] = False

    def _compact(self) -> None:
        """Drop the networks that are done, if they are many."""
        going = np.flatnonzero(self.active[self.members])
        if not 0 < len(going) < _COMPACT * len(self.members):
            return
        self.stack = NetworkStack([self.stack.member(int(place)) for place in going]).to(self.job.device)
        self.adam = self.adam.keep(self.stack, torch.from_numpy(going).to(self.job.device))
        self.members = self.members[going]

    def _test(self) -> dict[int, dict[str, float]]:
        """Return the test errors of the networks that were trained, by their places."""
        trained = [k for k, reason in enumerate(self.reasons) if not reason and np.isfinite(self.best[k])]
        if not trained:
            return {}
        held_out = _held_out(self.job.problem, self.job.test_samples, 0, Stream.TEST)
        stack = NetworkStack([self.best_modules[k] for k in trained]).to(self.job.device)
        states = held_out.states(stack)
        found = {}
        for place, k in enumerate(trained):
            accuracy = msgspec.structs.asdict(held_out.accuracy_of(states[:, :, place]))
            found[k] = {name: float(value) for name, value in accuracy.items() if isinstance(value, int | float)}
        return found

    def _outcome(self, k: int, test: dict[str, float] | None, seconds: float) -> Outcome:
        failed = test is None
        return Outcome(
            family=self.job.family,
            candidate=self.job.candidates[k][0],
            seed=self.job.seed,
            status="failed" if failed else "trained",
            reason=(self.reasons[k] or "no validation gave a finite error") if failed else "",
            parameters=self.parameters[k],
            steps=int(self.steps[k]),
            best_step=int(self.best_steps[k]),
            validation_mae=float(self.best[k]) if np.isfinite(self.best[k]) else None,
            test=test or {},
            seconds=round(seconds, 4),
            batch=self.job.name,
        )

    def _weights(self) -> dict[str, NDArray[np.float32]]:
        arrays = {}
        for k, (name, _, _) in enumerate(self.job.candidates):
            module = self.best_modules[k]
            for kind, group in (("weight", module.weights), ("bias", module.biases)):
                for layer, parameter in enumerate(group):
                    key = f"{self.job.family}/{name}/{self.job.seed}/{kind}{layer}"
                    arrays[key] = parameter.detach().cpu().numpy().astype(np.float32)
        return arrays


_supplies: dict[bytes, Supply] = {}


def supply_of(job: Job, objective: Objective) -> Supply:
    """Return the training data of a job; a process makes them once for all batches."""
    key = msgspec.json.encode((job.problem, job.recipe, job.seed, job.device, objective.window, objective.domain))
    if key not in _supplies:
        supply = Supply(standard_problem(job.problem), job.recipe, job.seed, job.device)
        supply.require(objective)
        _supplies.clear()  # those of another family or problem are not needed again
        _supplies[key] = supply
    return _supplies[key]


@lru_cache(maxsize=4)
def _held_out(problem: str, size: int, seed: int, stream: Stream) -> HeldOut:
    return HeldOut.sample(standard_problem(problem), size, seed, stream)
