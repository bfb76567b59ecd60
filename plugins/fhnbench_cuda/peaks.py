"""What the GPU can do at most, measured by kernels that do nothing else."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, final

from fhnbench import DeviceProbe, Peaks, nvidia
from fhnbench_cuda.compiler import KernelProgram, build
from fhnbench_cuda.device import Module, open_device
from fhnbench_cuda.execution import Launch, LoadedLaunch

if TYPE_CHECKING:
    from fhnbench import Workload

_BLOCK = 256
_BLOCKS_PER_MULTIPROCESSOR = 8
_CHAINS = 8
"""As in peaks.cu and peaks_tensor.cu."""

_STEPS = 20_000
"""Steps of each chain in one timing: some milliseconds, long against a launch."""

_BYTES = 1 << 30
"""Least number of bytes that are written in one timing, for the same reason."""

_MOST_PASSES = 10_000
"""Passes over small memory are launches and little else; so many are enough to know what these take."""

_REPEATS = 3
"""Timings in one measurement, of which the fastest counts."""

_VECTOR_BYTES = 16
_KERNELS = {
    "float32": ("peaks.cu", "multiply_add_chains<float>", 1),
    "float64": ("peaks.cu", "multiply_add_chains<double>", 1),
    "float16": ("peaks_tensor.cu", "multiply_matrices<Half::float16>", 16 * 16 * 8 / 32),
    "bfloat16": ("peaks_tensor.cu", "multiply_matrices<Half::bfloat16>", 16 * 16 * 8 / 32),
}
"""Files, kernels, and the multiply-adds of each thread in a step of a chain."""


def peak_kernels(precision: str) -> tuple[KernelProgram, KernelProgram]:
    """Return the kernel that multiplies and adds in a precision, and the one that stores."""
    file, kernel, _ = _KERNELS[precision]
    return KernelProgram(file, (kernel,)), KernelProgram("peaks.cu", ("fill",))


@final
class CudaProbe(DeviceProbe):
    """A probe of the first GPU, with the precision and the size of a workload's trajectories.

    Multiply-adds are those of the units for float32 or float64, and in the precisions of 16 bits those of the tensor
    cores, as ``mma.sync`` reaches them (GPUs since Hopper have a faster way for large matrices). The memory that is
    written is as large as the trajectories, over and over, as a contender does.

    Parameters
    ----------
    workload
        Precision and size.

    Raises
    ------
    Refused
        If the GPU lacks the precision, or its memory does not suffice.
    Unavailable
        If there is no GPU that can be used.
    """

    def __init__(self, workload: Workload) -> None:
        device = open_device()
        if workload.precision == "bfloat16" and device.arch == "sm_75":
            workload.require_precision("float16", "float32", "float64")
        self.device = device.name
        programs = peak_kernels(workload.precision)
        self._stream = nvidia.Stream()
        grid = device.multiprocessors * _BLOCKS_PER_MULTIPROCESSOR
        threads = grid * _BLOCK
        points, variables, samples = workload.shape
        vectors = -(-points * variables * samples * workload.dtype.itemsize // _VECTOR_BYTES)
        self._sink = nvidia.DeviceMemory(threads * workload.dtype.itemsize)
        self._memory = nvidia.DeviceMemory(vectors * _VECTOR_BYTES)
        sink = ctypes.c_void_p(self._sink.address), ctypes.c_uint(_STEPS)
        memory = ctypes.c_void_p(self._memory.address), ctypes.c_uint(vectors), ctypes.c_uint(0)
        self._multiply_add, self._fill = (
            LoadedLaunch(Module(build(program, device.arch)), Launch(program.kernels[0], grid, _BLOCK, arguments))
            for program, arguments in zip(programs, (sink, memory), strict=True)
        )
        self._operations = _STEPS * _CHAINS * threads * _KERNELS[workload.precision][2]
        self._passes = min(_MOST_PASSES, -(-_BYTES // self._memory.size))
        self.measure()  # loads the code and wakes the clocks

    def measure(self) -> Peaks:
        """Measure both peaks; takes a few hundredths of a second."""
        multiply_add_s = min(self._time(self._multiply_add, 1) for _ in range(_REPEATS))
        fill_s = min(self._time(self._fill, self._passes) for _ in range(_REPEATS))
        return Peaks(self._operations / multiply_add_s, self._passes * self._memory.size / fill_s)

    def _time(self, launch: LoadedLaunch, times: int) -> float:
        """Return how long a launch takes that is repeated, all together, in seconds."""

        def enqueue() -> None:
            for _ in range(times):
                launch.enqueue(self._stream)

        return self._stream.seconds(enqueue)
