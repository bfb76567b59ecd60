"""Recipes of the family ``itnn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    "best": Recipe(
        optimizer="soap",
        learning_rate=1e-2,
        batch=2_048,
        steps=5_000,
        round_steps=1_000,
        finish_steps=100,
        finish_batch=2_000,
    ),
}
