"""Training recipes as data: everything about a training that is neither the network nor the loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.plugins.registry import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a surrogate is trained.

    A training has two phases: `steps` of a first-order optimiser, in rounds of `round_steps`, each of which ends with
    a validation and a checkpoint; then `finish_steps` of damped Gauss-Newton.

    Parameters
    ----------
    samples
        Size of a fixed training set, for each problem by its name or one for all; 0, or a name that is not listed:
        fresh trajectories every round. One sample is a point (t, u0, w0, I) and the states that follow it.
    pool
        Trajectories that are sampled for each round, where they are fresh.
    points_per_interval
        Points of a trajectory at which it may be sampled, for each save interval; 1: the save points only.
    method, dt
        Integrator of the training data, and its largest step: the step taken divides the distance of points.
    optimizer
        ``adam`` or ``soap``.
    learning_rate
        Initial rate (``plateau``) or highest rate (``one-cycle``).
    schedule
        ``plateau``: the rate falls by `plateau_factor` when `plateau_patience` validations bring no improvement;
        ``one-cycle``: it rises linearly over `warmup` (a fraction of all steps), then falls to zero as a cosine.
    batch
        Samples in a step; a smaller fixed training set is used whole.
    domain_share, start_share
        Points without data in a step, for a family that asks for them, and how many of them are taken at t = 0 as
        well; both over `batch`.
    steps, round_steps
        Steps of the first phase, and how many lie between validations.
    early_stop
        End the first phase after so many validations without improvement; 0: never.
    resolution
        As for `NetworkModule`.
    softness
        0: squared error. Otherwise the pseudo-Huber loss with this scale, which weighs large errors by their
        absolute value.
    curriculum
        Rounds over which the latest training time grows to the horizon, by the same factor each, from
        `curriculum_start` (a fraction of the horizon); 0: it is the horizon throughout.
    curriculum_loss
        The latest training time grows only after rounds whose loss is below; 0: after every round.
    validation_samples
        Held-out trajectories of each validation.
    finish_steps, finish_batch
        Steps of the second phase, and samples in each.

    Raises
    ------
    FhnbenchError
        If a value cannot be.
    """

    samples: int | dict[str, int] = 0
    pool: int = 65_536
    points_per_interval: int = 1
    method: Literal["rk4", "euler"] = "rk4"
    dt: float = 0.1
    optimizer: Literal["adam", "soap"] = "adam"
    learning_rate: float = 1e-3
    schedule: Literal["plateau", "one-cycle"] = "one-cycle"
    warmup: float = 0.1
    plateau_factor: float = 0.5
    plateau_patience: int = 10
    batch: int = 4096
    domain_share: float = 1.0
    start_share: float = 1.0
    steps: int = 10_000
    round_steps: int = 500
    early_stop: int = 0
    softness: float = 0.0
    curriculum: int = 0
    curriculum_start: float = 0.05
    curriculum_loss: float = 0.0
    resolution: float = 0.0
    validation_samples: int = 1_000
    finish_steps: int = 0
    finish_batch: int = 8_192

    def __post_init__(self) -> None:
        positive = ("pool", "points_per_interval", "dt", "learning_rate", "plateau_patience", "batch", "round_steps")
        for name in (*positive, "domain_share", "start_share", "validation_samples", "finish_batch"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise FhnbenchError(f"recipe: {name}={getattr(self, name)} must be positive")
        for name in ("steps", "finish_steps", "early_stop", "softness", "curriculum", "curriculum_loss", "resolution"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise FhnbenchError(f"recipe: {name}={getattr(self, name)} must not be negative")
        if self.start_share > self.domain_share:
            raise FhnbenchError(
                f"recipe: start_share={self.start_share} must not exceed domain_share={self.domain_share}"
            )
        if self.steps + self.finish_steps == 0:
            raise FhnbenchError("recipe: steps and finish_steps are both 0; there is nothing to do")
        for name in ("warmup", "plateau_factor", "curriculum_start"):
            if not 0 <= getattr(self, name) <= 1:
                raise FhnbenchError(f"recipe: {name}={getattr(self, name)} must lie between 0 and 1")
        if min(self.samples.values(), default=0) < 0 if isinstance(self.samples, dict) else self.samples < 0:
            raise FhnbenchError(f"recipe: samples={self.samples} must not be negative")

    def fixed_samples(self, problem_name: str) -> int:
        """Return the size of the fixed training set for a problem; 0: fresh trajectories."""
        return self.samples.get(problem_name, 0) if isinstance(self.samples, dict) else self.samples

    def replace(self, overrides: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some values replaced; text is converted to each field's type.

        Raises
        ------
        FhnbenchError
            If there is no such field, or the value does not fit it.
        """
        for name in overrides:
            if name not in self.__struct_fields__:
                raise FhnbenchError(f"a recipe has no {name!r}; {suggestion(name, sorted(self.__struct_fields__))}")
        try:
            return msgspec.convert({**msgspec.to_builtins(self), **overrides}, Recipe, strict=False)
        except msgspec.ValidationError as error:
            raise FhnbenchError(f"recipe: {error}") from None


PAPER_SAMPLES = {"A": 1_000, "B": 10_000, "C": 100_000}
"""Training samples of Werneck et al., section 2."""

PAPER_RECIPE = Recipe(
    samples=PAPER_SAMPLES,
    points_per_interval=20,
    method="euler",
    dt=0.01,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="plateau",
    batch=1_024,
    steps=20_000,
    round_steps=200,
    early_stop=40,
)
"""The paper's training: Adam at 1e-3, reduced on a plateau, a fixed set of samples from Euler at 0.01."""


def choose_recipe(recipes: Mapping[str, Recipe], name: str, overrides: Mapping[str, Any]) -> Recipe:
    """Return a family's recipe by name, with some values replaced.

    Raises
    ------
    FhnbenchError
        If there is no such recipe, no such field, or a value that does not fit.
    """
    if name not in recipes:
        raise FhnbenchError(f"no recipe {name!r}; {suggestion(name, sorted(recipes))}")
    return recipes[name].replace(overrides)
