"""The fixture with which pytest-benchmark measures contenders: ``pytest --benchmark-only``."""

from fhnbench.testing.benchmark import contender_benchmark

__all__ = ["contender_benchmark"]
