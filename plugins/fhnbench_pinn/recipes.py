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
    # Times are added from the initial condition on: trained all at once, the network settles on the rest state.
    # Squares, since a softer loss allows a sudden change from one solution to another.
    "data-free": Recipe(
        optimizer="soap",
        learning_rate=3e-3,
        warmup=0.02,
        batch=2_048,
        start_share=0.125,
        resolution=2.0,
        steps=15_000,
        round_steps=100,
        curriculum=60,
        curriculum_start=0.04,
        curriculum_loss=1e-3,
    ),
}
