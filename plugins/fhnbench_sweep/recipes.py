"""How the networks of a sweep are trained unless a family's own recipe is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhnbench import PAPER_RECIPE, Recipe, TrainingTask, choose_recipe, standard_problem, surrogate_family

if TYPE_CHECKING:
    from collections.abc import Mapping

SWEEP = "sweep"
"""Name of the recipe that is no family's."""

SWEEP_RECIPE = PAPER_RECIPE.replace({
    "batch": 64,
    "learning_rate": 1.6e-2,
    "schedule": "one-cycle",
    "steps": 4_000,
    "round_steps": 250,
    "early_stop": 0,
    "validation_samples": 256,
})  # fmt: skip
"""The paper's samples and optimiser, with a schedule that needs a tenth of its steps, and fewer validations.

With 64 samples in a step the calls of a single network's operations take far longer than its arithmetic, which is what
stacks save; and of 47 networks of 100 neurons and more for C, equal times gave a geometric mean of the errors of 0.168
with 64 samples, 0.169 with 128 and 0.189 with 256 (4,000, 3,000 and 2,000 steps, a rate of 4e-3). Rates of 2, 4, 8, 16
and 32e-3 gave 0.225, 0.168, 0.131, 0.110 and 0.119 (64 samples, 4,000 steps). A validation every 250 steps on 256
trajectories adds a tenth.
"""


def recipe_of(family: str, problem: str, name: str, overrides: Mapping[str, Any]) -> Recipe:
    """Return a recipe of a family, or the sweep's own, with some values replaced.

    Raises
    ------
    FhnbenchError
        If there is no such family or recipe, or a value does not fit.
    """
    task = TrainingTask(family, standard_problem(problem), (1,), ("tanh",))
    own = surrogate_family(family, {}).design(task).recipes
    return choose_recipe({**own, SWEEP: SWEEP_RECIPE}, name, overrides)
