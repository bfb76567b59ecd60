"""What blocks say besides their times: whether something disturbed them, whether memory leaks, what energy it takes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.results.record import Block

WAITED = 0.05
"""A block whose threads waited longer than this share of it for a CPU was disturbed."""

DRIFT = 0.9
"""So was one at the end of which the clock was below this part of the contender's highest."""

LEAK_BLOCKS = 8
LEAK_BYTES = 32 * 2**20
"""A worker leaks if its memory grew with each of so many blocks, by so much in all."""

ENERGY_S = 0.1
"""Energy counters tick every few milliseconds: blocks that are shorter together say nothing."""


def disturbance(waited: float | None, mhz: float | None, earlier_mhz: Sequence[float | None], throttled: bool) -> str:
    """Return what disturbed a block, or nothing.

    Parameters
    ----------
    waited
        Share of the block that its threads waited for a CPU; None if not known.
    mhz, earlier_mhz
        Clock frequency after the block and those after the earlier ones.
    throttled
        Whether the clock was throttled.
    """
    if throttled:
        return "the clock was throttled"
    if waited is not None and waited > WAITED:
        return f"its threads waited for a CPU for {waited:.0%} of the time"
    highest = max((value for value in earlier_mhz if value), default=None)
    if mhz and highest and mhz < DRIFT * highest:
        return f"the clock fell from {highest:.0f} to {mhz:.0f} MHz"
    return ""


def leak(memory: Sequence[int | None]) -> int | None:
    """Return by how much the memory of a worker grew a block, if it grew with each of the last ones; else None."""
    last = [value for value in memory[-LEAK_BLOCKS - 1 :] if value is not None]
    if len(last) <= LEAK_BLOCKS or last[-1] - last[0] < LEAK_BYTES:
        return None
    grew = all(after > before for before, after in itertools.pairwise(last))
    return (last[-1] - last[0]) // LEAK_BLOCKS if grew else None


def energy_of_a_run(blocks: Sequence[Block]) -> float | None:
    """Return the energy of a run in joules, upload and download included; None where it is not known."""
    told = [block for block in blocks if block.energy_j is not None]
    spans = sum(block.upload_s + block.runs * block.compute_s + block.download_s for block in told)
    if spans < ENERGY_S:
        return None
    return sum(block.energy_j or 0.0 for block in told) / sum(block.runs for block in told)
