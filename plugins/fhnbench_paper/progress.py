"""Progress of an experiment that has several stages."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Stages:
    """Stages of known relative lengths, reported as fractions of the whole.

    Parameters
    ----------
    report
        Called with what is going on and the fraction of the whole that is done.
    lengths
        Relative lengths of the stages, in order.
    """

    def __init__(self, report: Callable[[str, float], None], lengths: Iterable[float]) -> None:
        self._report = report
        self._lengths = list(lengths)
        self._next = 0

    def begin(self, what: str) -> Callable[[float], None]:
        """Begin the next stage; what is returned reports the fraction of the stage that is done."""
        before, length = sum(self._lengths[: self._next]), self._lengths[self._next]
        whole = sum(self._lengths)
        self._next += 1

        def report(fraction: float) -> None:
            self._report(what, (before + fraction * length) / whole)

        report(0.0)
        return report


class Lines:
    """Progress as lines on standard error, one for each tenth: for files and pipes, where a bar cannot be drawn."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._tenth = 0

    def __call__(self, what: str, fraction: float) -> None:
        """Say what is going on if another tenth is done."""
        if (tenth := math.floor(10 * fraction)) > self._tenth:
            self._tenth = tenth
            elapsed = time.perf_counter() - self._began
            left = elapsed * (1 - fraction) / fraction
            click.echo(f"{fraction:.0%} in {elapsed:.0f} s, {left:.0f} s left: {what}", err=True)
