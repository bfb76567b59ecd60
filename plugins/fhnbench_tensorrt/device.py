"""The GPU through the driver API: memory, copies, a stream, and a graph of what was enqueued on it."""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from cuda.bindings import driver

from fhnbench import DeviceClock, Refused, Unavailable
from fhnbench_tensorrt.availability import DEVICE, DRIVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

_UNAVAILABLE = {
    driver.CUresult.CUDA_ERROR_NO_DEVICE: f"no NVIDIA GPU; {DEVICE}",
    driver.CUresult.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE: f"the NVIDIA driver is too old for its CUDA; {DRIVER}",
    driver.CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: "the NVIDIA driver was updated while loaded; reboot",
}


class DeviceError(RuntimeError):
    """The GPU failed; the message is the driver's name of the error."""


def call(result: tuple[Any, ...]) -> Any:
    """Return what a function of `cuda.bindings.driver` gave besides its status.

    Raises
    ------
    Unavailable
        If there is no GPU, or its driver is too old.
    Refused
        If there is too little memory.
    DeviceError
        If the function failed for another reason.
    """
    status, *values = result
    if status == driver.CUresult.CUDA_SUCCESS:
        return values[0] if values else None
    if status in _UNAVAILABLE:
        raise Unavailable(_UNAVAILABLE[status])
    if status == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        raise Refused("out of device memory; take fewer samples (-n)")
    raise DeviceError(getattr(status, "name", str(status)))


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first GPU: its name, and its compute capability as in ``9.0``."""

    name: str
    capability: str


def open_gpu() -> Gpu:
    """Make the primary context of the first GPU current in this thread, where it stays.

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
        raise Unavailable(f"no NVIDIA driver; {DRIVER}") from error  # what cuda.bindings raises without one
    handle = call(driver.cuDeviceGet(0))
    call(driver.cuCtxSetCurrent(call(driver.cuDevicePrimaryCtxRetain(handle))))
    major, minor = (
        call(driver.cuDeviceGetAttribute(which, handle))
        for which in (
            driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    name = call(driver.cuDeviceGetName(128, handle)).split(b"\0", 1)[0].decode()
    return Gpu(name, f"{major}.{minor}")


@final
class DeviceMemory:
    """So many bytes of zeros on the device, at a multiple of 256, until `close`; raises `Refused` if it has not."""

    def __init__(self, size: int) -> None:
        self.address = int(call(driver.cuMemAlloc(size)))
        self._free = weakref.finalize(self, driver.cuMemFree, self.address)
        call(driver.cuMemsetD8(self.address, 0, size))

    def close(self) -> None:
        """Free it."""
        self._free()


def pinned_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros in page-locked memory, which lives as long as it or a view of it does."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    address = int(call(driver.cuMemHostAlloc(size, 0)))
    block = (ctypes.c_char * size).from_address(address)
    weakref.finalize(block, driver.cuMemFreeHost, address)
    array: NDArray[Any] = np.frombuffer(memoryview(block).cast("B"), kind).reshape(shape)
    array[...] = 0
    return array


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of equal length, on the device or on the host: the first one's address, and bytes from one to the next."""

    address: int
    pitch: int
    on_device: bool


@final
class Stream:
    """A stream of its own, which waits for no other."""

    def __init__(self) -> None:
        self._handle = call(driver.cuStreamCreate(driver.CUstream_flags.CU_STREAM_NON_BLOCKING.value))
        self.handle = int(self._handle)
        self.clock = StreamClock(self._handle)

    def copy_rows(self, target: Rows, source: Rows, width: int, height: int) -> None:
        """Enqueue a copy of `height` rows of `width` bytes."""
        copy = driver.CUDA_MEMCPY2D()
        memory = driver.CUmemorytype
        for side, rows in (("src", source), ("dst", target)):
            kind = memory.CU_MEMORYTYPE_DEVICE if rows.on_device else memory.CU_MEMORYTYPE_HOST
            setattr(copy, f"{side}MemoryType", kind)
            setattr(copy, f"{side}Device" if rows.on_device else f"{side}Host", rows.address)
            setattr(copy, f"{side}Pitch", rows.pitch)
        copy.WidthInBytes, copy.Height = width, height
        call(driver.cuMemcpy2DAsync(copy, self._handle))

    def synchronize(self) -> None:
        """Wait until all that was enqueued is complete."""
        call(driver.cuStreamSynchronize(self._handle))

    def captured(self, enqueue: Callable[[], None]) -> driver.CUgraphExec:
        """Return a graph of what a function enqueues; nothing is executed."""
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        call(driver.cuStreamBeginCapture(self._handle, mode))
        try:
            enqueue()
        except Exception:
            driver.cuStreamEndCapture(self._handle)  # which leaves the stream usable
            raise
        graph = call(driver.cuStreamEndCapture(self._handle))
        executable = call(driver.cuGraphInstantiate(graph, 0))
        call(driver.cuGraphDestroy(graph))
        return executable

    def launch(self, graph: driver.CUgraphExec) -> None:
        """Enqueue a graph."""
        call(driver.cuGraphLaunch(graph, self._handle))

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
        call(driver.cuStreamDestroy(self._handle))


@final
class StreamClock(DeviceClock):
    """The time between two points of a stream."""

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
        """Release it."""
        for event in (self._begin, self._end):
            call(driver.cuEventDestroy(event))
