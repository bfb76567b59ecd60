"""The runtime ``torch``: PyTorch evaluates the family's own module."""
