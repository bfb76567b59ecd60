"""NVIDIA GPUs: explicit Runge-Kutta solvers and fused networks, compiled when they are first used."""
