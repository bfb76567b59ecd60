"""The runtime ``cuda``: a network from initial states to trajectories in one kernel."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from fhnbench import SPIKE_THRESHOLD, Output, Runtime

if TYPE_CHECKING:
    from fhnbench import Artifact, Cost, Execution, SurrogateFamily, Workload
    from fhnbench_cuda.execution import Buffers
    from fhnbench_cuda.network_kernels import NetworkKernel


@final
@dataclass(frozen=True)
class CudaRuntime(Runtime):
    """Evaluates any `Network` on an NVIDIA GPU: one kernel for all passes, no other memory than inputs and states.

    float32 and float64 are computed on the multiply-add units; float16 and bfloat16 on tensor cores, with sums, states
    and increments in float32. A sample's trajectory depends on nothing but its own inputs. Features come from networks
    that fit into the registers of a thread, in float32 and float64.
    """

    outputs: ClassVar[tuple[Output, ...]] = ("trajectories", "features")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:  # noqa: ARG002
        """Compile the kernel, or find it on disk, and allocate.

        Raises
        ------
        Unavailable
            If there is no GPU that can be used, or no compiler.
        Refused
            If a layer is wider than 256 or does not fit into shared memory, an activation is unknown, or the GPU does
            not compute in the precision; or features are asked of a kernel that has none.
        """
        from fhnbench_cuda.device import open_device
        from fhnbench_cuda.execution import CudaExecution, Launch
        from fhnbench_cuda.network_kernels import kernel_for, program_of

        device = open_device()
        kernel = kernel_for(artifact, workload.precision, device.shared_memory, device.arch)

        program = program_of(kernel, workload.output)

        def launches(buffers: Buffers) -> list[Launch]:
            blocks = -(-workload.size // kernel.samples)
            arguments = arguments_of(kernel, buffers, workload)
            return [Launch(program.kernels[0], blocks, kernel.threads, arguments, kernel.shared_memory)]

        return CudaExecution(workload, program, launches)

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return what bounds the kernel on the first GPU, in multiply-adds of the precision's peak, and the bytes."""
        from fhnbench_cuda.availability import gpu
        from fhnbench_cuda.network_cost import cost_of

        if not gpu().available:
            return cost_of(artifact, workload, arch="")
        from fhnbench_cuda.device import open_device

        return cost_of(artifact, workload, open_device().arch)


def arguments_of(kernel: NetworkKernel, buffers: Buffers, workload: Workload) -> tuple[Any, ...]:
    """Return a kernel's arguments, its parameters and the times of the save points copied to the device."""
    parameters = [] if kernel.parameters is None else [buffers.constant(kernel.parameters)]
    times = buffers.constant(workload.times.astype(workload.dtype))
    addresses = [*parameters, times, buffers.u0, buffers.w0, buffers.i_app, buffers.states.address]
    sizes = (ctypes.c_uint(workload.size), ctypes.c_uint(workload.save_points))
    of_features = (workload.save_interval, SPIKE_THRESHOLD) if workload.output == "features" else ()
    number = ctypes.c_double if workload.precision == "float64" else ctypes.c_float
    return (*map(ctypes.c_void_p, addresses), *sizes, *map(number, of_features))
