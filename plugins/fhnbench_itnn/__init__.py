"""The iterative family: a network that advances the state by save intervals, applied again and again."""
