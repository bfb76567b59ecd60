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
    try:
        return {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in _TASKS.iterdir()}
    except (OSError, ValueError, IndexError):
        return {}


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
