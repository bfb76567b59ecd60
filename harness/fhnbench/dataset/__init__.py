"""Datasets: an ensemble, its converged reference trajectories and their provenance in one HDF5 file."""
