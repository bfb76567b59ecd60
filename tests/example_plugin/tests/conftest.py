"""The fixture that measures contenders."""

from fhnbench.testing.benchmark import contender_benchmark

__all__ = ["contender_benchmark"]
