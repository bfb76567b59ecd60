"""The command ``gpu-check``: everything that can be said about a GPU, in one go."""
