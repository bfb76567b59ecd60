"""Recipes of the family ``ddnn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    # Fresh trajectories cure overfitting; the pseudo-Huber loss halves the error that squares leave, since near the
    # excitation threshold errors are of the order of the amplitude; SOAP needs fewer steps than Adam.
    "best": Recipe(optimizer="soap", learning_rate=6e-3, softness=0.03, steps=30_000),
}
