"""The physics-informed family: a network of (t, initial state, current) that satisfies the equations."""
