"""Numbers that commands take as options."""

from __future__ import annotations

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A range of numbers without nan, which compares with no bound, and without infinity, which no clock can wait."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or say what is wrong with it."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class CpuCount(click.IntRange):
    """A number of threads, at most one for each CPU that this process may use."""

    def __init__(self) -> None:
        super().__init__(1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or say how many there may be."""
        from fhnbench.measure.environment import usable_cpus

        number = int(super().convert(value, param, ctx))
        if number > (there := usable_cpus()):
            self.fail(f"{number} threads asked for, this process may use {there}.", param, ctx)
        return number


POSITIVE = FiniteRange(0, min_open=True)
