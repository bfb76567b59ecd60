"""The data-driven family: a network of (t, initial state, current) fitted to trajectories."""
