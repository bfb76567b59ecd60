"""Processes that a test started, as /proc shows them (Linux), and waiting for what they do."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

PATIENCE_S = 300
"""Longest wait for what happens at once on a machine that has nothing else to do."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when a condition is true; fail, saying what did not happen, if it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def wait_for_file(process: subprocess.Popen[str], path: Path) -> None:
    """Return when a process has written a file; fail if it ends without."""

    def written() -> bool:
        ended = process.poll() is not None
        assert path.exists() or not ended, process.communicate()
        return path.exists()

    wait_until(written, f"{path} was not written")


def processes_with(text: str, file: str = "cmdline") -> list[int]:
    """Return the other processes whose command line, or whose file ``environ``, holds a text."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                content = (folder / file).read_bytes()
            except OSError:
                continue  # it has ended, or is another user's
            if text in content.decode(errors="replace"):
                found.append(int(folder.name))
    return found


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the workers that a process has started."""
    return [pid for pid in processes_with("fhnbench.measure.worker") if parent_of(pid) == process.pid]


def parent_of(pid: int) -> int | None:
    """Return the parent of a process, or None if it has ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("PPid:\t")[1].split()[0])
    except OSError:
        return None
