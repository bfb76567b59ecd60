"""NVIDIA GPUs: explicit Runge-Kutta solvers, compiled when they are first used."""
