"""An execution on the GPU: buffers and a stream of its own, and the launches that make up a run."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from cuda.bindings import driver

from fhnbench import Effective, Execution, nvidia
from fhnbench_cuda.compiler import build
from fhnbench_cuda.device import Module, open_device
from fhnbench_cuda.exchange import DeviceArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike, NDArray

    from fhnbench import Ensemble, Workload
    from fhnbench_cuda.compiler import KernelProgram


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of a kernel.

    Parameters
    ----------
    kernel
        Its name in `KernelProgram.kernels`.
    grid, block
        Blocks of the grid, and threads of a block.
    arguments
        As the kernel declares them, as ctypes' numbers and structures; addresses are ``c_void_p``.
    shared_memory
        Bytes of shared memory for each block, besides what the kernel declares.
    """

    kernel: str
    grid: int
    block: int
    arguments: tuple[Any, ...]
    shared_memory: int = 0


@dataclass
class Buffers:
    """What a run's launches read and write, on the device.

    Parameters
    ----------
    inputs
        ``[3, N]``: u0, w0, i_app, in the workload's dtype.
    states
        The trajectories, ``[T, 2, N]``, in the dtype in which they are stored.
    """

    inputs: DeviceArray
    states: DeviceArray
    _own: list[nvidia.DeviceMemory] = field(default_factory=list)

    @property
    def u0(self) -> int:
        """Address of u0."""
        return self.inputs.address

    @property
    def w0(self) -> int:
        """Address of w0."""
        return self.inputs.address + self.inputs.nbytes // 3

    @property
    def i_app(self) -> int:
        """Address of i_app."""
        return self.inputs.address + 2 * (self.inputs.nbytes // 3)

    def scratch(self, size: int) -> int:
        """Allocate so many bytes that live as long as the execution; return their address."""
        self._own.append(nvidia.DeviceMemory(size))
        return self._own[-1].address

    def constant(self, array: NDArray[Any]) -> int:
        """Copy an array to memory that lives as long as the execution; return its address there."""
        address = self.scratch(array.nbytes)
        nvidia.copy_to_device(address, array)
        return address


@final
class CudaExecution(Execution):
    """Run some launches, one after the other, on a stream of its own.

    Parameters
    ----------
    workload
        Gives shapes, dtype and precision.
    program
        The kernels; they are compiled for the device, or found in the cache.
    plan
        Takes the buffers and returns the launches of a run, in order; one that is repeated is best one object. What it
        allocates is there for all runs.
    stored
        Dtype in which the trajectories are stored on the device; the workload's if it is left out.
    graph
        Whether the launches are captured once and replayed as one CUDA graph.

    Raises
    ------
    Unavailable
        If there is no GPU that can be used.
    Refused
        If its memory does not suffice.
    """

    def __init__(
        self,
        workload: Workload,
        program: KernelProgram,
        plan: Callable[[Buffers], Sequence[Launch]],
        *,
        stored: DTypeLike | None = None,
        graph: bool = False,
    ) -> None:
        device = open_device()
        self.effective = Effective(device.name, workload.precision)
        self._dtype = workload.dtype
        self._module = Module(build(program, device.arch))
        self._stream = nvidia.Stream()
        self._staging = nvidia.pinned_array((3, workload.size), workload.dtype)
        self._buffers = Buffers(
            DeviceArray((3, workload.size), workload.dtype), DeviceArray(workload.shape, stored or workload.dtype)
        )
        self._output = nvidia.pinned_array(workload.shape, self._buffers.states.dtype)
        launches = plan(self._buffers)
        prepared = {id(launch): LoadedLaunch(self._module, launch) for launch in launches}
        self._launches = [prepared[id(launch)] for launch in launches]
        self._graph = self._stream.captured(self._enqueue) if graph else None
        self.clock = self._stream.clock

    @property
    def states(self) -> DeviceArray:
        """The last run's trajectories where they are, for libraries that read DLPack or CUDA arrays.

        Call `synchronize` first; the next `run` overwrites them.
        """
        return self._buffers.states

    def upload(self, ensemble: Ensemble) -> None:
        """Enqueue the copy of the inputs to the device."""
        self.synchronize()  # the copy of earlier inputs may still read the staging array
        for own, given in zip(self._staging, (ensemble.u0, ensemble.w0, ensemble.i_app), strict=True):
            np.copyto(own, given, casting="same_kind")
        inputs = self._buffers.inputs
        source = self._staging.ctypes.data
        nvidia.call(driver.cuMemcpyHtoDAsync(inputs.address, source, inputs.nbytes, self._stream.handle))

    def run(self) -> None:
        """Enqueue the launches."""
        if self._graph is not None:
            self._stream.launch(self._graph)
        else:
            self._enqueue()

    def synchronize(self) -> None:
        """Wait until the stream is empty."""
        self._stream.synchronize()

    def output(self) -> NDArray[Any]:
        """Return the trajectories in page-locked host memory, which the next call overwrites.

        Those that are stored in another dtype than the workload's are converted here, but for the initial states,
        which are copied from the inputs.
        """
        states = self._buffers.states
        target = self._output.ctypes.data
        nvidia.call(driver.cuMemcpyDtoHAsync(target, states.address, states.nbytes, self._stream.handle))
        self.synchronize()
        if self._output.dtype == self._dtype:
            return self._output
        converted: NDArray[Any] = self._output.astype(self._dtype)
        converted[0] = self._staging[:2]
        return converted

    def close(self) -> None:
        """Release what was acquired; memory that others still refer to is released when they no longer do."""
        self.synchronize()
        if self._graph is not None:
            nvidia.call(driver.cuGraphExecDestroy(self._graph))
        self._stream.close()
        self._module.close()
        del self._buffers, self._output, self._staging, self._launches

    def _enqueue(self) -> None:
        for launch in self._launches:
            launch.enqueue(self._stream)


class LoadedLaunch:
    """A launch whose kernel is loaded and whose arguments lie in memory as the driver wants them."""

    def __init__(self, module: Module, launch: Launch) -> None:
        self._kernel = module.kernel(launch.kernel, launch.shared_memory)
        self._shape = (launch.grid, 1, 1, launch.block, 1, 1, launch.shared_memory)
        self._arguments = launch.arguments
        addresses = [ctypes.addressof(argument) for argument in launch.arguments]
        self._addresses = (ctypes.c_void_p * len(addresses))(*addresses)

    def enqueue(self, stream: nvidia.Stream) -> None:
        """Launch the kernel on a stream."""
        arguments = ctypes.addressof(self._addresses)
        nvidia.call(driver.cuLaunchKernel(self._kernel, *self._shape, stream.handle, arguments, 0))
