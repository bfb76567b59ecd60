"""Pinning threads: each busy thread of a worker stays on a CPU of its own.

Left alone, the kernel often wakes all threads of a pool on the CPU that woke them, and a run of some milliseconds is
over before it spreads them: it then takes the time of one thread.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fhnbench.measure.threads import thread_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench.measure.threads import ThreadTime


def pin_busiest_threads(count: int, since: Mapping[int, ThreadTime]) -> bool:
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
    before = {thread: times.running for thread, times in since.items()}
    used = {thread: times.running - before.get(thread, 0) for thread, times in thread_times().items()}
    if not used or not hasattr(os, "sched_setaffinity"):
        return False
    busiest = sorted(used, key=lambda thread: used[thread], reverse=True)[:count]
    try:
        for thread, cpu in zip(sorted(busiest), sorted(os.sched_getaffinity(0)), strict=False):
            os.sched_setaffinity(thread, {cpu})
    except OSError:
        return False  # a thread has ended meanwhile
    return True
