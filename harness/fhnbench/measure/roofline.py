"""The roofline: the time that the machine's measured peaks allow for declared operations and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fhnbench.results.record import CostRecord, ProbeRecord


def floor_s(cost: CostRecord, probe: ProbeRecord) -> tuple[float, Literal["arithmetic", "memory"]]:
    """Return the least time in seconds, and what binds: arithmetic or memory traffic, each at its measured peak."""
    arithmetic_s, memory_s = cost.operations / probe.fma_per_s, cost.bytes / probe.bytes_per_s
    return (arithmetic_s, "arithmetic") if arithmetic_s >= memory_s else (memory_s, "memory")
