"""Whether TensorRT is recent enough and finds a GPU, asked without importing it."""

from __future__ import annotations

import importlib.metadata
import re

from fhnbench import Availability, find_gpu

OLDEST_MAJOR = 10
"""The first version of TensorRT whose networks this plugin builds (strongly typed, enqueued by execute_async_v3)."""

UPDATE = "pip install --upgrade 'fhnbench[tensorrt]'"

_DISTRIBUTIONS = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu13-bindings", "tensorrt-cu12-bindings")


def tensorrt_on_gpu() -> Availability:
    """Return whether TensorRT and a GPU are there; never raises, imports neither TensorRT nor CUDA packages."""
    if problem := version_problem(_installed_version()):
        return Availability(False, problem, UPDATE)
    found = find_gpu()
    return found if isinstance(found, Availability) else Availability(True)


def version_problem(version: str | None) -> str:
    """Return what is wrong with a version of TensorRT; empty if nothing is, or if it is not known."""
    major = re.match(r"\d+", version or "")
    if major and int(major[0]) < OLDEST_MAJOR:
        return f"TensorRT {version} is too old, {OLDEST_MAJOR} or later is needed"
    return ""


def _installed_version() -> str | None:
    for name in _DISTRIBUTIONS:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None
