"""The architecture study: plan many networks, train them many at a time, and say what predicts their accuracy."""
