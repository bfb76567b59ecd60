"""Whether there is a GPU that this plugin can use."""

from __future__ import annotations

import importlib.metadata

from fhnbench import Availability, find_gpu

OLDEST_CAPABILITY = (7, 5)
"""The oldest compute capability that NVRTC 13 compiles for (Turing)."""

_DRIVERS = {12: "525", 13: "580"}
"""The first driver of each major version of CUDA."""


def gpu() -> Availability:
    """Return whether the first GPU and its driver can be used; never raises."""
    found = find_gpu()
    if isinstance(found, Availability):
        return found
    return judge(found.name, found.driver_version, found.capability, toolkit_major())


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
