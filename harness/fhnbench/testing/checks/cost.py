"""That the declared work is plausible."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fhnbench.testing.outcome import ConformanceFailure

if TYPE_CHECKING:
    from fhnbench.testing.subject import Subject

_SIZE = 100_000
_TIMES = 10
_SMALL = 8


def check_cost(subject: Subject) -> None:
    """Check that the declared operations and bytes are positive, finite and proportional to the work.

    Ten times the samples cost ten times as much, half the step twice the operations once steps are so small that what
    is done at save points is little, and the trajectories' own bytes are counted. The roofline is computed from them:
    too much declared makes a contender look perfect.
    """
    workload = subject.workload(_SIZE)
    cost, larger = (subject.contender.cost(subject.workload(size)) for size in (_SIZE, _TIMES * _SIZE))
    for name in ("operations", "bytes"):
        value, grown = getattr(cost, name), getattr(larger, name)
        if not (math.isfinite(value) and value > 0):
            raise ConformanceFailure(f"declares {value} {name}")
        if not _is_close(grown, _TIMES * value):
            raise ConformanceFailure(f"{_TIMES} times the samples cost {grown / value:.3g} times the {name}")
    owed = math.prod(workload.shape) * workload.dtype.itemsize
    if cost.bytes < owed:
        raise ConformanceFailure(f"declares {cost.bytes:.4g} bytes, fewer than the {owed:.4g} of the trajectories")
    if subject.kind == "solver" and "dt" in subject.options:
        step = subject.require_step() / _SMALL
        small, half = (subject.with_options(dt=dt).contender.cost(workload).operations for dt in (step, step / 2))
        if not _is_close(half, 2 * small):
            raise ConformanceFailure(f"half the step costs {half / small:.3g} times the operations")


def _is_close(found: float, expected: float) -> bool:
    return abs(found - expected) <= 0.1 * expected
