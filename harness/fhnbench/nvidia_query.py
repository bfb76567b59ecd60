"""Whether there is an NVIDIA GPU, asked of the driver itself, without any package of Python's."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

from fhnbench.plugins.specs import Availability

INSTALL_DRIVER = "install NVIDIA's driver, see https://www.nvidia.com/drivers"
CHECK_DEVICE = "see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES"

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NO_DEVICE = 100


@dataclass(frozen=True, slots=True)
class FoundGpu:
    """The first GPU and its driver.

    Parameters
    ----------
    name
        As the driver gives it.
    capability
        Compute capability, as in ``(9, 0)``.
    driver_version
        The newest CUDA that the driver supports, 1000 times the major version and 10 times the minor.
    """

    name: str
    capability: tuple[int, int]
    driver_version: int


class _NotFound(Exception):
    """Why there is no GPU, and what to do."""


def find_gpu() -> FoundGpu | Availability:
    """Return the first NVIDIA GPU, or why there is none that answers and what to do; never raises."""
    try:
        return _ask(ctypes.CDLL(_LIBRARY))
    except OSError:
        return Availability(False, "no NVIDIA driver", INSTALL_DRIVER)
    except _NotFound as reason:
        return Availability(False, *reason.args)
    except Exception as error:  # noqa: BLE001 - a driver without one of these functions is no driver for us
        return Availability(False, f"the NVIDIA driver does not answer: {error}", INSTALL_DRIVER)


def _ask(library: ctypes.CDLL) -> FoundGpu:
    """Ask the driver; raises `_NotFound`."""
    status = library.cuInit(0)
    if status == _NO_DEVICE:
        raise _NotFound("no NVIDIA GPU", CHECK_DEVICE)
    if status:
        raise _NotFound(
            f"the NVIDIA driver does not start (CUDA error {status})", "see nvidia-smi; reboot after an update"
        )
    count, version, major, minor = (ctypes.c_int() for _ in range(4))
    device, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    _require(library.cuDriverGetVersion(ctypes.byref(version)))
    _require(library.cuDeviceGetCount(ctypes.byref(count)))
    if count.value == 0:
        raise _NotFound("no NVIDIA GPU", CHECK_DEVICE)
    _require(library.cuDeviceGet(ctypes.byref(device), 0))
    _require(library.cuDeviceGetName(name, len(name), device))
    _require(library.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, device))
    _require(library.cuDeviceGetAttribute(ctypes.byref(minor), _CAPABILITY_MINOR, device))
    return FoundGpu(name.value.decode(), (major.value, minor.value), version.value)


def _require(status: int) -> None:
    if status:
        raise _NotFound(f"the NVIDIA driver answers with CUDA error {status}", "see nvidia-smi")
