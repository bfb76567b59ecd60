"""Whether TensorRT is recent enough and finds a GPU, asked without importing it."""

from __future__ import annotations

import ctypes
import importlib.metadata
import re
import sys

from fhnbench import Availability

OLDEST_MAJOR = 10
"""The first version of TensorRT whose networks this plugin builds (strongly typed, enqueued by execute_async_v3)."""

UPDATE = "pip install --upgrade 'fhnbench[tensorrt]'"
DRIVER = "install NVIDIA's driver, see https://www.nvidia.com/drivers"
DEVICE = "see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES"

_DISTRIBUTIONS = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu13-bindings", "tensorrt-cu12-bindings")
_NO_DEVICE = 100


def tensorrt_on_gpu() -> Availability:
    """Return whether TensorRT and a GPU are there; never raises, imports neither TensorRT nor CUDA packages."""
    if problem := version_problem(_installed_version()):
        return Availability(False, problem, UPDATE)
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        status, count = int(driver.cuInit(0)), ctypes.c_int()
        status = status or int(driver.cuDeviceGetCount(ctypes.byref(count)))
    except (OSError, AttributeError):
        return Availability(False, "no NVIDIA driver", DRIVER)
    return judge_driver(status, count.value)


def version_problem(version: str | None) -> str:
    """Return what is wrong with a version of TensorRT; empty if nothing is, or if it is not known."""
    major = re.match(r"\d+", version or "")
    if major and int(major[0]) < OLDEST_MAJOR:
        return f"TensorRT {version} is too old, {OLDEST_MAJOR} or later is needed"
    return ""


def judge_driver(status: int, count: int) -> Availability:
    """Return what the driver's answers mean.

    Parameters
    ----------
    status
        Of its initialisation, an error of the driver API.
    count
        Number of GPUs that it shows.
    """
    if status == _NO_DEVICE or (status == 0 and count == 0):
        return Availability(False, "no NVIDIA GPU", DEVICE)
    if status:
        return Availability(False, f"the NVIDIA driver does not start (CUDA error {status})", "see nvidia-smi")
    return Availability(True)


def _installed_version() -> str | None:
    for name in _DISTRIBUTIONS:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None
