"""Interleaved rounds of a group of contenders, until their times are known or the time is up."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from fhnbench.measure import protocol
from fhnbench.measure.environment import last_level_cache
from fhnbench.measure.member import Member, stopping
from fhnbench.measure.telemetry import busy_s

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fhnbench.measure.peaks import PeakProbe
    from fhnbench.problem import Ensemble
    from fhnbench.results.record import Settings

ENOUGH_ROUNDS = 20
"""Rounds that the time budget should last for, so that fast contenders are known well."""

FLUSH_FACTOR = 2
"""Cold mode flushes this many times the last-level cache."""

UNKNOWN_CACHE_BYTES = 64 * 2**20


class Rounds:
    """Measures groups of contenders; rounds are numbered through all of them.

    Parameters
    ----------
    settings
        How to measure.
    ensemble
        Inputs of the run.
    order
        Source of chance.
    done
        Called after each block.
    report
        Called with what is going on and the fraction of a group that is done.
    """

    def __init__(
        self,
        settings: Settings,
        ensemble: Ensemble,
        order: random.Random,
        done: Callable[[], None],
        report: Callable[[str, float], None],
    ) -> None:
        self._settings = settings
        self._size = ensemble.size
        self._random = order
        self._done = done
        self._report = report
        self._round = 0
        self._offset_s = 0.0
        self._began_s: float | None = None
        self._flush_bytes = FLUSH_FACTOR * (last_level_cache() or UNKNOWN_CACHE_BYTES) if settings.cold else 0
        self._audits_s = 0.0
        self._turns: list[tuple[Member, float, float]] = []

    def go_on(self, number: int, started_s: float) -> None:
        """Let the next round have a number, and times count on from those of an earlier run."""
        self._round, self._offset_s = number, started_s

    def measure(
        self,
        group: Sequence[Member],
        probes: Sequence[PeakProbe],
        anchors: Sequence[Member],
        folder: Path,
        share_s: float,
    ) -> None:
        """Measure a group.

        Parameters
        ----------
        group
            Prepared contenders.
        probes, anchors
            Take part as long as one of the group does: the machine's peaks, and contenders to compare with that are
            known well enough.
        folder
            For outputs that are audited.
        share_s
            Time that each contender has; those that need less leave it to the others.
        """
        began = time.monotonic()
        self._began_s = began if self._began_s is None else self._began_s
        self._audits_s = 0.0
        first, budget_s = self._round, share_s * (len(group) + len(anchors))
        while waiting := [member for member in group if member.stopped is None and not member.is_done]:
            number, self._round = self._round, self._round + 1
            turns: list[Member | PeakProbe] = [
                member
                for member in [*waiting, *(anchor for anchor in anchors if anchor.stopped is None)]
                if (number - first) % _stride(member, share_s) == 0
            ]
            if turns:
                turns += probes
            self._random.shuffle(turns)
            for turn in turns:
                measuring_s = time.monotonic() - began - self._audits_s
                if number > first and measuring_s > budget_s:
                    self._note_background()
                    return
                if isinstance(turn, Member):
                    self._report(f"round {number + 1}: {turn.request.label}", measuring_s / budget_s)
                    self._take_turn(turn, number, folder)
                else:
                    turn.measure()
            self._note_background()

    def _take_turn(self, member: Member, number: int, folder: Path) -> None:
        assert self._began_s is not None
        shift = self._random.randrange(0, self._size, 16) if self._size > 16 else 0
        output = folder / "output.npy" if len(member.blocks) >= member.next_audit else None
        asked = protocol.Measure(shift, self._flush_bytes, str(output) if output else None)
        with stopping(member):
            started = time.monotonic()
            busy, own = busy_s(), time.process_time()
            used_s = member.measure(number, self._offset_s + started - self._began_s, asked)
            if busy is not None:
                others_s = (busy_s() or 0.0) - busy - used_s - (time.process_time() - own)
                self._turns.append((member, others_s, time.monotonic() - started))
            if output:
                began = time.monotonic()
                member.audit(np.load(output, allow_pickle=False), shift)
                count = len(member.blocks)  # ever more rarely, and soon after the first
                member.next_audit = count + self._random.randint(count // 2, 2 * count)
                self._audits_s += time.monotonic() - began
        self._done()

    def _note_background(self) -> None:
        """Note the load by others in the blocks of a round; the counters are too coarse for a single one."""
        total_s = sum(wall_s for _, _, wall_s in self._turns)
        if total_s > 0:
            cpus = max(0.0, sum(others_s for _, others_s, _ in self._turns) / total_s)
            for member, _, _ in self._turns:
                member.note_background(round(cpus, 3))
        self._turns.clear()


def _stride(member: Member, share_s: float) -> int:
    """Return in which rounds a contender takes part: each, or each so-manieth if it would take others' time.

    A contender whose share of the time budget does not last for enough rounds sits out some.
    """
    return max(1, math.ceil(member.block_s * ENOUGH_ROUNDS / share_s))
