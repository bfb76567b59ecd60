"""Solvers and a runtime on the CPU: explicit vectors, all threads, compiled by numba."""
