"""Whether there is a GPU that this plugin can use; asked of the driver itself, without any package of Python's."""

from __future__ import annotations

import ctypes
import importlib.metadata
import sys
from dataclasses import dataclass

from fhnbench import Availability

OLDEST_CAPABILITY = (7, 5)
"""The oldest compute capability that NVRTC 13 compiles for (Turing)."""

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_DRIVERS = {12: "525", 13: "580"}
"""The first driver of each major version of CUDA."""

_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NO_DEVICE = 100
_INSTALL = "install NVIDIA's driver, see https://www.nvidia.com/drivers"


@dataclass(frozen=True, slots=True)
class _Found:
    """What the driver answers: its version of CUDA, e.g. 13000, and the first GPU's name and compute capability."""

    version: int
    name: str
    capability: tuple[int, int]


class _NotFound(Exception):
    """Why there is no GPU, and what to do."""


def gpu() -> Availability:
    """Return whether the first GPU and its driver can be used; never raises."""
    try:
        found = _ask(ctypes.CDLL(_LIBRARY))
    except OSError:
        return Availability(False, "no NVIDIA driver", _INSTALL)
    except _NotFound as reason:
        return Availability(False, *reason.args)
    except Exception as error:  # noqa: BLE001 - a driver without one of these functions is no driver for us
        return Availability(False, f"the NVIDIA driver does not answer: {error}", _INSTALL)
    return judge(found.name, found.version, found.capability, toolkit_major())


def judge(name: str, driver_version: int, capability: tuple[int, int], toolkit: int) -> Availability:
    """Return whether a GPU and a driver run what is compiled here.

    Parameters
    ----------
    name
        Name of the GPU.
    driver_version
        The newest CUDA that the driver supports, 1000 times the major version and 10 times the minor.
    capability
        The GPU's compute capability.
    toolkit
        Major version of the CUDA that compiles; drivers of that version, or later ones, load what it makes.
    """
    if capability < OLDEST_CAPABILITY:
        found, oldest = (".".join(map(str, version)) for version in (capability, OLDEST_CAPABILITY))
        return Availability(
            False, f"{name} has compute capability {found}, at least {oldest} is needed", "use a Turing GPU or later"
        )
    if driver_version // 1000 < toolkit:
        version = f"{driver_version // 1000}.{driver_version % 1000 // 10}"
        return Availability(
            False,
            f"the driver supports CUDA {version}, the compiler is CUDA {toolkit}'s",
            f"update NVIDIA's driver to {_DRIVERS.get(toolkit, 'the latest')} or later",
        )
    return Availability(True)


def toolkit_major() -> int:
    """Return the major version of the installed CUDA packages, without importing them."""
    try:
        return int(importlib.metadata.version("cuda-bindings").split(".", maxsplit=1)[0])
    except importlib.metadata.PackageNotFoundError:
        return max(_DRIVERS)


def _ask(library: ctypes.CDLL) -> _Found:
    """Ask the driver; raises `_NotFound`."""
    status = library.cuInit(0)
    if status == _NO_DEVICE:
        raise _NotFound("no NVIDIA GPU", "see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES")
    if status:
        raise _NotFound(
            f"the NVIDIA driver does not start (CUDA error {status})", "see nvidia-smi; reboot after an update"
        )
    count, version, major, minor = (ctypes.c_int() for _ in range(4))
    device, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    _require(library.cuDriverGetVersion(ctypes.byref(version)))
    _require(library.cuDeviceGetCount(ctypes.byref(count)))
    if count.value == 0:
        raise _NotFound("no NVIDIA GPU", "see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES")
    _require(library.cuDeviceGet(ctypes.byref(device), 0))
    _require(library.cuDeviceGetName(name, len(name), device))
    _require(library.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, device))
    _require(library.cuDeviceGetAttribute(ctypes.byref(minor), _CAPABILITY_MINOR, device))
    return _Found(version.value, name.value.decode(), (major.value, minor.value))


def _require(status: int) -> None:
    if status:
        raise _NotFound(f"the NVIDIA driver answers with CUDA error {status}", "see nvidia-smi")
