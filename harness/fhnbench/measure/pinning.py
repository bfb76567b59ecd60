"""Pinning threads: each busy thread of a worker stays on a CPU of its own.

Left alone, the kernel often wakes all threads of a pool on the CPU that woke them, and a run of some milliseconds is
over before it spreads them: it then takes the time of one thread.
"""

from __future__ import annotations

import os
from pathlib import Path

_TASKS = Path("/proc/self/task")


def thread_times() -> dict[int, int]:
    """Return the CPU time of each thread of this process in nanoseconds, by thread; empty where it cannot be read."""
    return {thread: running for thread, (running, _) in _thread_statistics().items()}


def wanted_time() -> int | None:
    """Return for how long threads of this process have run or waited for a CPU, in nanoseconds; None if unknown.

    Unlike CPU time it does not depend on what else the machine is doing.
    """
    found = _thread_statistics()
    return sum(running + waiting for running, waiting in found.values()) if found else None


def _thread_statistics() -> dict[int, tuple[int, int]]:
    """Return how long each thread has run and has waited to run, in nanoseconds."""
    try:
        fields = {int(task.name): (task / "schedstat").read_text().split() for task in _TASKS.iterdir()}
    except (OSError, ValueError, IndexError):
        return {}
    return {thread: (int(values[0]), int(values[1])) for thread, values in fields.items()}


def pin_busiest_threads(count: int, since: dict[int, int]) -> bool:
    """Pin the threads that have used the most CPU time since then, each to a CPU of its own (Linux).

    Parameters
    ----------
    count
        How many threads to pin, at most one for each CPU that the process may use.
    since
        What `thread_times` returned before the thread pool began to work.

    Returns
    -------
    bool
        Whether threads were pinned; elsewhere than on Linux, or where the kernel does not tell, they are not.
    """
    used = {thread: time - since.get(thread, 0) for thread, time in thread_times().items()}
    if not used or not hasattr(os, "sched_setaffinity"):
        return False
    busiest = sorted(used, key=lambda thread: used[thread], reverse=True)[:count]
    try:
        for thread, cpu in zip(sorted(busiest), sorted(os.sched_getaffinity(0)), strict=False):
            os.sched_setaffinity(thread, {cpu})
    except OSError:
        return False  # a thread has ended meanwhile
    return True
