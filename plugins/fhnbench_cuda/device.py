"""The GPU as this plugin uses it, and kernels that are loaded onto it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cuda.bindings import driver

from fhnbench import Unavailable, nvidia
from fhnbench_cuda.availability import gpu

if TYPE_CHECKING:
    from fhnbench_cuda.compiler import Binary

_DEFAULT_SHARED_LIMIT = 48 * 1024
"""Shared memory that a block gets without asking for more, in bytes."""


def open_device() -> nvidia.Device:
    """Return the first GPU and make its context the calling thread's.

    Raises
    ------
    Unavailable
        If there is none that can be used.
    """
    availability = gpu()
    if not availability.available:
        raise Unavailable(str(availability))
    return nvidia.open_device()


class Module:
    """Kernels that are loaded onto the device."""

    def __init__(self, binary: Binary) -> None:
        self._symbols = binary.symbols
        self._handle = nvidia.call(driver.cuModuleLoadData(binary.cubin))

    def kernel(self, name: str, shared_memory: int = 0) -> Any:
        """Return the handle of a kernel, allowed so many bytes of shared memory that are asked for at launch."""
        kernel = nvidia.call(driver.cuModuleGetFunction(self._handle, self._symbols[name].encode()))
        if shared_memory > _DEFAULT_SHARED_LIMIT:
            limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            nvidia.call(driver.cuFuncSetAttribute(kernel, limit, shared_memory))
        return kernel

    def close(self) -> None:
        """Unload the kernels."""
        nvidia.call(driver.cuModuleUnload(self._handle))
