"""Recipes of the family ``itnn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    # Single passes first, then whole rollouts by Gauss-Newton: that lowers the error of a small network several times.
    "best": Recipe(
        optimizer="soap",
        learning_rate=1e-2,
        batch=2_048,
        steps=4_000,
        round_steps=1_000,
        softness=0.02,
        finish_steps=80,
        finish_batch=500,
    ),
}
