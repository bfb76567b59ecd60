"""The roofline: the time that the machine's measured peaks allow for declared operations and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhnbench.results.record import CostRecord, ProbeRecord


def floor_s(cost: CostRecord, probe: ProbeRecord) -> float:
    """Return the least time in seconds: the larger of arithmetic and memory traffic, each at its measured peak."""
    return max(cost.operations / probe.fma_per_s, cost.bytes / probe.bytes_per_s)
