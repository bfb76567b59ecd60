"""What the kernel tells of the threads of this process: how long each has run, and how long it has waited to run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

_TASKS = Path("/proc/self/task")


class ThreadTime(NamedTuple):
    """Time that a thread has run, and that it has waited for a CPU, in nanoseconds."""

    running: int
    waiting: int


def thread_times() -> dict[int, ThreadTime]:
    """Return the times of each thread that lives, by thread; empty where the system does not tell (Linux does)."""
    try:
        tasks = list(_TASKS.iterdir())
    except OSError:
        return {}
    found = {}
    for task in tasks:
        try:
            running, waiting, _ = (task / "schedstat").read_text().split()
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        found[int(task.name)] = ThreadTime(int(running), int(waiting))
    return found


def wanted_time_of_others() -> int | None:
    """Return how long threads but the calling one have run or waited for a CPU, in nanoseconds; None if unknown.

    Unlike CPU time it does not depend on what else the machine is doing. The caller's own time would: if it sleeps, a
    busy machine lets it wait for a CPU afterwards.
    """
    found = thread_times()
    own = threading.get_native_id()
    return sum(sum(times) for thread, times in found.items() if thread != own) if found else None
