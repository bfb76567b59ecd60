"""What the machine can do at most: fused multiply-adds per second, and bytes stored per second.

Both are measured with the threads and the precision of a workload, in the run that they are compared with, so that
clock frequency, neighbours and the memory's mood are the same.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numba import prange

from fhnbench import lanes
from fhnbench.arrays import aligned_full
from fhnbench.native import REGISTERS, jit, use_threads
from fhnbench.plugins.interfaces import DeviceProbe, Peaks

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench.workload import Workload

_CHAIN = REGISTERS // 4
"""Registers of one value; three of them leave a quarter of the registers free, and hide the arithmetic's latency."""

_STEPS = 1_000_000
"""Steps of the three chains in one timing: some milliseconds, long against the start of a parallel loop."""

_BYTES = 1 << 26
"""Least number of bytes that are written in one timing, for the same reason."""

_REPEATS = 3
"""Timings in one measurement, of which the fastest counts."""


@final
class MachineProbe(DeviceProbe):
    """A probe with the threads, the precision and the size of a workload's trajectories.

    Parameters
    ----------
    workload
        Its trajectories are what the probe writes, over and over into the same memory, as a contender does.

    Raises
    ------
    Refused
        If this process may not use as many threads, or the precision is of 16 bits, which has no registers here.
    """

    device = "cpu"

    def __init__(self, workload: Workload) -> None:
        workload.require_precision("float32", "float64")
        self._threads = workload.threads
        self._lanes = lanes.count(workload.dtype, _CHAIN)
        self._values = np.ones((self._threads, 3 * self._lanes), workload.dtype)
        share = -(-int(np.prod(workload.shape)) // (self._threads * self._lanes)) * self._lanes
        self._memory = aligned_full((self._threads * share,), 0, workload.dtype)
        self.measure()  # compiles

    def measure(self) -> Peaks:
        """Measure both peaks, of all threads and vector lanes; takes a few hundredths of a second.

        Stores are ordinary ones or go past the caches, whichever is faster.
        """
        use_threads(self._threads)
        passes = -(-_BYTES // self._memory.nbytes)
        multiply_add_s = _fastest(lambda: _multiply_add(self._values, self._lanes, _STEPS))
        store_s = _fastest(lambda: _write(self._memory, self._lanes, self._threads, passes))
        stream_s = _fastest(lambda: _write_past_caches(self._memory, self._lanes, self._threads, passes))
        return Peaks(_STEPS * self._values.size / multiply_add_s, passes * self._memory.nbytes / min(store_s, stream_s))


def _fastest(work: Callable[[], None]) -> float:
    """Return the shortest of a few timings in seconds."""
    durations = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return min(durations)


@jit(parallel=True)
def _multiply_add(values: Any, size: int, steps: int) -> None:
    for thread in prange(values.shape[0]):
        _multiply_add_chains(values[thread], size, steps)


@jit()
def _multiply_add_chains(values: Any, size: int, steps: int) -> None:
    x = lanes.load(values, 0, _CHAIN)
    y = lanes.load(values, size, _CHAIN)
    z = lanes.load(values, 2 * size, _CHAIN)
    for _ in range(steps):
        x = x * 0.5 + 0.5
        y = y * 0.5 + 0.5
        z = z * 0.5 + 0.5
    lanes.store(values, 0, x)
    lanes.store(values, size, y)
    lanes.store(values, 2 * size, z)


@jit(parallel=True)
def _write(memory: Any, size: int, threads: int, passes: int) -> None:
    share = memory.size // threads
    for thread in prange(threads):
        value = lanes.load(memory, thread * share, _CHAIN)
        for _ in range(passes):
            for start in range(thread * share, (thread + 1) * share, size):
                lanes.store(memory, start, value)


@jit(parallel=True)
def _write_past_caches(memory: Any, size: int, threads: int, passes: int) -> None:
    share = memory.size // threads
    for thread in prange(threads):
        value = lanes.load(memory, thread * share, _CHAIN)
        for _ in range(passes):
            for start in range(thread * share, (thread + 1) * share, size):
                lanes.stream(memory, start, value)
        lanes.drain()
