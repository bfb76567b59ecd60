"""Contenders that are wrong in one way each, and the correct one that they derive from."""
