"""Recipes of the family ``pinn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    # Times are added from the initial condition on: trained all at once, the network settles on the rest state.
    "best": Recipe(optimizer="soap", learning_rate=3e-3, curriculum=30, batch=2_048, steps=30_000),
}
