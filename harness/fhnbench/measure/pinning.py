"""Pinning threads: each busy thread of a worker stays on a CPU of its own.

Left alone, the kernel often wakes all threads of a pool on the CPU that woke them, and a run of some milliseconds is over
before it spreads them: it then takes the time of one thread.
"""

from __future__ import annotations

import os
from pathlib import Path

_TASKS = Path("/proc/self/task")


def pin_busiest_threads(count: int) -> bool:
    """Pin the threads of this process that have used the most CPU time, each to a CPU of its own (Linux).

    Call it when the thread pool has worked for a while.

    Parameters
    ----------
    count
        How many threads to pin, at most one for each CPU that the process may use.

    Returns
    -------
    bool
        Whether threads were pinned; elsewhere than on Linux, or where the kernel does not tell, they are not.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    try:
        used = {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in _TASKS.iterdir()}
        busiest = sorted(used, key=lambda thread: used[thread], reverse=True)[:count]
        for thread, cpu in zip(sorted(busiest), sorted(os.sched_getaffinity(0)), strict=False):
            os.sched_setaffinity(thread, {cpu})
    except (OSError, ValueError, IndexError):
        return False
    return True
