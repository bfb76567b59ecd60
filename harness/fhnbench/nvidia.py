"""NVIDIA GPUs for plugins, through the driver API: the context, memory, streams, the clock, and what errors mean.

Everything is a call of `cuda.bindings.driver`, one to one, so that what happens when is known; the package is needed
when this module is imported (``fhnbench[cuda]``).

Use it as a module: ``from fhnbench import nvidia``.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from cuda.bindings import driver

from fhnbench.errors import Refused, Unavailable
from fhnbench.nvidia_query import CHECK_DEVICE, INSTALL_DRIVER
from fhnbench.plugins.interfaces import DeviceClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike, NDArray

_UNAVAILABLE = {
    driver.CUresult.CUDA_ERROR_NO_DEVICE: f"no NVIDIA GPU; {CHECK_DEVICE}",
    driver.CUresult.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE: "the NVIDIA driver is too old for its CUDA; "
    + INSTALL_DRIVER,
    driver.CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: "the NVIDIA driver was updated while loaded; reboot",
}

_FAILURES = {
    driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS: "a kernel accessed memory that it does not own",
    driver.CUresult.CUDA_ERROR_LAUNCH_FAILED: "a kernel crashed",
    driver.CUresult.CUDA_ERROR_LAUNCH_TIMEOUT: "a kernel took longer than the display driver allows",
    driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: "a kernel needs more registers or shared memory than a "
    "multiprocessor has",
    driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU: "the machine code is for another GPU",
    driver.CUresult.CUDA_ERROR_INVALID_IMAGE: "the machine code is damaged; delete the cache folder",
}


class DeviceError(RuntimeError):
    """The GPU failed; after most of these errors the process can no longer use it."""


def call(result: tuple[Any, ...]) -> Any:
    """Return what a function of `cuda.bindings.driver` gave besides its status.

    Raises
    ------
    Unavailable
        If there is no GPU, or its driver is too old.
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
    if status in _UNAVAILABLE:
        return Unavailable(_UNAVAILABLE[status])
    if status == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        return Refused(f"out of device memory{_free_memory()}; take fewer samples (-n)")
    name = getattr(status, "name", str(status))
    return DeviceError(f"{_FAILURES[status]} ({name})" if status in _FAILURES else name)


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
    capability
        Its compute capability, as in ``(9, 0)``.
    multiprocessors
        Number of its multiprocessors.
    shared_memory
        Shared memory that a block can have if it asks for it, in bytes.
    """

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    shared_memory: int

    @property
    def arch(self) -> str:
        """Its architecture as compilers want it, ``sm_90``."""
        return "sm_{}{}".format(*self.capability)


def open_device() -> Device:
    """Return the first GPU and make its primary context the calling thread's.

    Raises
    ------
    Unavailable
        If there is no driver, or no GPU.
    """
    try:
        call(driver.cuInit(0))
    except RuntimeError as error:
        if isinstance(error, DeviceError):
            raise
        raise Unavailable(f"no NVIDIA driver; {INSTALL_DRIVER}") from error  # what cuda.bindings raises without one
    device, context = _first_device()
    call(driver.cuCtxSetCurrent(context))
    return device


@functools.cache
def _first_device() -> tuple[Device, driver.CUcontext]:
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
    return Device(name, (major, minor), multiprocessors, shared_memory), context


@final
class DeviceMemory:
    """So many bytes on the device, at a multiple of 256, until `close` or until nothing refers to this object.

    Raises `Refused` if there are not so many.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.address = int(call(driver.cuMemAlloc(size)))
        self._free = weakref.finalize(self, driver.cuMemFree, self.address)

    def clear(self) -> None:
        """Fill it with zeros, which are there when this returns."""
        call(driver.cuMemsetD8(self.address, 0, self.size))
        _wait_for_default_stream()

    def close(self) -> None:
        """Free it."""
        self._free()


def copy_to_device(address: int, array: NDArray[Any]) -> None:
    """Copy an array to the device; it is there when this returns, for streams that wait for no other, too."""
    dense = np.ascontiguousarray(array)
    call(driver.cuMemcpyHtoD(address, dense.ctypes.data, dense.nbytes))
    _wait_for_default_stream()


def _wait_for_default_stream() -> None:
    # Without it the driver may still be copying from its own buffer, or filling memory, when the call has returned.
    call(driver.cuStreamSynchronize(driver.CUstream(driver.CU_STREAM_LEGACY)))


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


@final
class Stream:
    """A stream of its own, which waits for no other, and a clock on it."""

    def __init__(self) -> None:
        self.handle = call(driver.cuStreamCreate(driver.CUstream_flags.CU_STREAM_NON_BLOCKING.value))
        self.clock = StreamClock(self.handle)

    def synchronize(self) -> None:
        """Wait until all that was enqueued is complete."""
        call(driver.cuStreamSynchronize(self.handle))

    def captured(self, enqueue: Callable[[], None]) -> driver.CUgraphExec:
        """Return a graph of what a function enqueues; nothing is executed."""
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        call(driver.cuStreamBeginCapture(self.handle, mode))
        try:
            enqueue()
        except Exception:
            driver.cuStreamEndCapture(self.handle)  # which leaves the stream usable
            raise
        graph = call(driver.cuStreamEndCapture(self.handle))
        executable = call(driver.cuGraphInstantiate(graph, 0))
        call(driver.cuGraphDestroy(graph))
        return executable

    def launch(self, graph: driver.CUgraphExec) -> None:
        """Enqueue a graph."""
        call(driver.cuGraphLaunch(graph, self.handle))

    def seconds(self, enqueue: Callable[[], None]) -> float:
        """Return how long the device takes for what a function enqueues."""
        self.clock.start()
        enqueue()
        self.clock.stop()
        self.synchronize()
        return self.clock.seconds()

    def close(self) -> None:
        """Release it; nothing that was enqueued is still running."""
        self.clock.close()
        call(driver.cuStreamDestroy(self.handle))


@final
class StreamClock(DeviceClock):
    """The time between two points of a stream, as the device sees it."""

    def __init__(self, stream: driver.CUstream) -> None:
        self._stream = stream
        flags = driver.CUevent_flags.CU_EVENT_DEFAULT.value
        self._begin, self._end = (call(driver.cuEventCreate(flags)) for _ in range(2))

    def start(self) -> None:
        """Enqueue the beginning."""
        call(driver.cuEventRecord(self._begin, self._stream))

    def stop(self) -> None:
        """Enqueue the end."""
        call(driver.cuEventRecord(self._end, self._stream))

    def seconds(self) -> float:
        """Return the time between beginning and end, both of which are past."""
        return float(call(driver.cuEventElapsedTime(self._begin, self._end))) / 1e3

    def close(self) -> None:
        """Release both events."""
        for event in (self._begin, self._end):
            call(driver.cuEventDestroy(event))
