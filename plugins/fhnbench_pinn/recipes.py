"""Recipes of the family ``pinn``."""

from fhnbench import PAPER_RECIPE, Recipe

RECIPES = {
    "paper": PAPER_RECIPE,
    # The equations hold everywhere, so fewer points than there are data are enough for them. Units that are centred
    # all over the ranges from the start learn the fast first phase of a trajectory ten times sooner.
    "best": Recipe(
        optimizer="soap",
        learning_rate=6e-3,
        softness=0.05,
        batch=4_096,
        domain_share=0.25,
        start_share=0.0625,
        resolution=2.0,
        steps=30_000,
    ),
    # For the options data=0 and lookback=10.
    "data-free": Recipe(
        optimizer="soap",
        learning_rate=6e-3,
        softness=0.03,
        batch=3_072,
        start_share=0.0625,
        resolution=2.0,
        steps=10_000,
    ),
}
