"""Where a run was measured, in enough detail to tell two machines, two drivers or two revisions apart."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fhnbench

if TYPE_CHECKING:
    from collections.abc import Iterable

_RELEVANT = (
    "numpy",
    "numba",
    "llvmlite",
    "h5py",
    "torch",
    "onnxruntime",
    "tensorrt",
    "cuda-core",
    "jax",
    "scipy",
    "warp-lang",
)

GIT_TIMEOUT_S = 120
"""Long enough for a busy machine: a run whose revision is not known cannot be resumed."""


def environment(distributions: Iterable[str] = ()) -> dict[str, Any]:
    """Return the environment of this process.

    Parameters
    ----------
    distributions
        Names of distributions whose versions are recorded beside the usual ones: those of the plugins that run.

    Returns
    -------
    dict
        ``cpu``, ``cpus`` (that this process may use), ``memory_bytes``, ``os``, ``python``, ``packages``, ``git``,
        ``load_average``, ``frequency``; what cannot be read is None.
    """
    return {
        "cpu": _cpu_model(),
        "cpus": usable_cpus(),
        "memory_bytes": _memory(),
        "last_level_cache_bytes": last_level_cache(),
        "os": platform.platform(),
        "python": sys.version.split()[0],
        "packages": _packages({*_RELEVANT, "fhnbench", *distributions}),
        "git": _git(),
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "frequency": {
            "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            "mhz": _cpuinfo("cpu MHz"),
        },
    }


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def last_level_cache() -> int | None:
    """Return the size of the last-level cache in bytes, or None where the system does not tell."""
    sizes = [
        int(match[1]) * {"K": 2**10, "M": 2**20}[match[2]]
        for path in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
        if (match := re.fullmatch(r"(\d+)([KM])", _read(path) or ""))
    ]
    return max(sizes, default=None)


def _packages(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(names):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git() -> dict[str, Any] | None:
    """Return commit and whether the tree differs from it, if this package is used from its repository."""
    folder = Path(fhnbench.__file__).parent
    try:
        commit, changes = (
            subprocess.run(
                ["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=GIT_TIMEOUT_S
            ).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", folder.parents[1]])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.strip(), "dirty": bool(changes.strip())}


def _cpu_model() -> str | None:
    return _cpuinfo("model name") or platform.processor() or None


def _cpuinfo(key: str) -> str | None:
    match = re.search(rf"^{key}\s*:\s*(.+)$", _read("/proc/cpuinfo") or "", re.MULTILINE)
    return match[1] if match else None


def _memory() -> int | None:
    match = re.search(r"^MemTotal:\s*(\d+) kB$", _read("/proc/meminfo") or "", re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
