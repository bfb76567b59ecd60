"""The GPU: its context, its memory, and what its errors mean.

Everything here is a call of the driver API through cuda.bindings, one to one, so that what happens when is known.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from cuda.bindings import driver

from fhnbench import Refused, Unavailable
from fhnbench_cuda.availability import gpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

    from fhnbench_cuda.compiler import Binary

_DEFAULT_SHARED_LIMIT = 48 * 1024
"""Shared memory that a block gets without asking for more, in bytes."""


class DeviceError(RuntimeError):
    """The GPU failed; after most of these errors the process can no longer use it."""


def call(result: tuple[Any, ...]) -> Any:
    """Return what a function of `cuda.bindings.driver` gave besides its status.

    Raises
    ------
    Refused
        If there is too little memory on the device.
    DeviceError
        If the function failed for another reason.
    """
    status, *values = result
    if status != driver.CUresult.CUDA_SUCCESS:
        raise _translated(status)
    return values[0] if len(values) == 1 else tuple(values) or None


def _translated(status: driver.CUresult) -> Exception:
    if status == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        return Refused(f"out of device memory{_free_memory()}; take fewer samples (-n)")
    known = {
        driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS: "a kernel accessed memory that it does not own",
        driver.CUresult.CUDA_ERROR_LAUNCH_FAILED: "a kernel crashed",
        driver.CUresult.CUDA_ERROR_LAUNCH_TIMEOUT: "a kernel took longer than the display driver allows",
        driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: "a kernel needs more registers or shared memory than a "
        "multiprocessor has",
        driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU: "the machine code is for another GPU",
        driver.CUresult.CUDA_ERROR_INVALID_IMAGE: "the machine code is damaged; delete the cache folder",
    }
    name = getattr(status, "name", str(status))
    return DeviceError(f"{known[status]} ({name})" if status in known else name)


def _free_memory() -> str:
    status, free, total = driver.cuMemGetInfo()
    if status != driver.CUresult.CUDA_SUCCESS:
        return ""
    return f": {free / 2**30:.1f} GiB of {total / 2**30:.1f} GiB are free"


@dataclass(frozen=True, slots=True)
class Device:
    """The first GPU, whose primary context is current in this process, and stays so until the process ends.

    Parameters
    ----------
    name
        As the driver gives it.
    arch
        Its architecture as the compiler wants it, ``sm_90``.
    multiprocessors
        Number of its multiprocessors.
    shared_memory
        Shared memory that a block can have if it asks for it, in bytes.
    """

    name: str
    arch: str
    multiprocessors: int
    shared_memory: int


def open_device() -> Device:
    """Return the first GPU and make its context the calling thread's.

    Raises
    ------
    Unavailable
        If there is none that can be used.
    """
    availability = gpu()
    if not availability.available:
        raise Unavailable(str(availability))
    device, context = _first_device()
    call(driver.cuCtxSetCurrent(context))
    return device


@functools.cache
def _first_device() -> tuple[Device, driver.CUcontext]:
    call(driver.cuInit(0))
    handle = call(driver.cuDeviceGet(0))
    context = call(driver.cuDevicePrimaryCtxRetain(handle))
    attribute = driver.CUdevice_attribute
    major, minor, multiprocessors, shared_memory = (
        int(call(driver.cuDeviceGetAttribute(which, handle)))
        for which in (
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
            attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        )
    )
    name = call(driver.cuDeviceGetName(128, handle)).split(b"\0", 1)[0].decode()
    return Device(name, f"sm_{major}{minor}", multiprocessors, shared_memory), context


class DeviceMemory:
    """Bytes on the device; freed when nothing refers to this object any more.

    Raises `Refused` if there are not so many.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.address = int(call(driver.cuMemAlloc(size)))
        weakref.finalize(self, driver.cuMemFree, self.address)


def pinned_array(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros in page-locked host memory, which lives as long as it or a view of it does.

    Raises
    ------
    Refused
        If the host has too little of it.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    status, pointer = driver.cuMemHostAlloc(size, 0)
    if status == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        raise Refused(f"out of page-locked host memory, {size / 2**30:.1f} GiB are needed; take fewer samples (-n)")
    address = int(call((status, pointer)))
    block = (ctypes.c_char * size).from_address(address)
    weakref.finalize(block, driver.cuMemFreeHost, address)
    array: NDArray[Any] = np.frombuffer(memoryview(block), kind).reshape(shape)
    array[...] = 0
    return array


class Module:
    """Kernels that are loaded onto the device."""

    def __init__(self, binary: Binary) -> None:
        self._symbols = binary.symbols
        self._handle = call(driver.cuModuleLoadData(binary.cubin))

    def kernel(self, name: str, shared_memory: int = 0) -> Any:
        """Return the handle of a kernel, allowed so many bytes of shared memory that are asked for at launch."""
        kernel = call(driver.cuModuleGetFunction(self._handle, self._symbols[name].encode()))
        if shared_memory > _DEFAULT_SHARED_LIMIT:
            limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            call(driver.cuFuncSetAttribute(kernel, limit, shared_memory))
        return kernel

    def close(self) -> None:
        """Unload the kernels."""
        call(driver.cuModuleUnload(self._handle))
