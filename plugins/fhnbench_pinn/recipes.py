"""Recipes of the family ``pinn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    "best": Recipe(optimizer="soap", learning_rate=6e-3, softness=0.05, batch=1_024, steps=30_000),
    # Times are added from the initial condition on: trained all at once, the network settles on the rest state.
    "data-free": Recipe(optimizer="soap", learning_rate=6e-3, softness=0.05, batch=1_024, steps=30_000, curriculum=30),
}
