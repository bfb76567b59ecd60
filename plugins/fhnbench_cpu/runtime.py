"""The runtime ``cpu``: surrogates evaluated by compiled kernels, fused from initial states to trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

from fhnbench import (
    ALIGNMENT,
    SPIKE_THRESHOLD,
    Cost,
    HostExecution,
    Integrator,
    Output,
    Runtime,
    aligned_full,
    lanes,
    use_threads,
)
from fhnbench_cpu import integrator_kernel, network_kernel
from fhnbench_cpu.stepping import COLLECTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Artifact, Execution, SurrogateFamily, Workload
    from fhnbench_cpu.network_vectors import Element
    from fhnbench_cpu.program import Program


@final
@dataclass(frozen=True)
class CpuRuntime(Runtime):
    """Evaluates any `Network` or `Integrator` on the CPU, without torch: one kernel for all passes and threads.

    It computes in float32 or float64 (an artifact's numbers are float32 either way). A sample's trajectory depends on
    nothing but its own inputs, to the last bit: not on the other samples, their number or the threads. For features,
    the trajectories of a block of samples are evaluated and reduced at a time.
    """

    outputs: ClassVar[tuple[Output, ...]] = ("trajectories", "features")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:  # noqa: ARG002
        """Compile the kernel, or find it on disk, and allocate.

        Raises
        ------
        Refused
            If the precision is neither float32 nor float64, or the process may not use as many threads.
        """
        program = _program(artifact, workload)
        use_threads(workload.threads)
        execution = HostExecution(workload, _Evaluation(program, artifact, workload))
        execution.run()
        return execution

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the operations that the kernel executes, and the bytes of inputs and of the output.

        Operations are counted as the kernel is built; a division is one. Those of features are not among them.
        """
        begin, one_pass = _program(artifact, workload).count_operations()
        values = 3 * workload.size + math.prod(workload.shape)
        return Cost(
            operations=float(workload.size * (begin + artifact.structure.passes(workload.save_points) * one_pass)),
            bytes=float(values * workload.dtype.itemsize),
        )


def _program(artifact: Artifact, workload: Workload) -> Program:
    workload.require_precision("float32", "float64")
    element: Element = "float64" if workload.precision == "float64" else "float32"
    if isinstance(artifact.structure, Integrator):
        return integrator_kernel.program(artifact.structure, element)
    return network_kernel.program(artifact.structure, element)


class _Evaluation:
    """Evaluates an artifact for host arrays; see `HostExecution`."""

    def __init__(self, program: Program, artifact: Artifact, workload: Workload) -> None:
        features = workload.output == "features"
        self._kernel = program.compile_features() if features else program.compile()
        self._threads = workload.threads
        self._parameters = program.parameters(artifact)
        self._times = workload.times.astype(workload.dtype)
        self._memory = aligned_full((workload.threads, program.thread_memory), 0, workload.dtype)
        self._padded: list[NDArray[Any]] = []
        if workload.size < program.block_size:
            shapes = [(program.block_size,)] * 3 + [(*workload.shape[:-1], program.block_size)]
            self._padded = [aligned_full(shape, 0, workload.dtype) for shape in shapes]
        self._more: tuple[Any, ...] = ()
        if features:
            states = aligned_full((workload.threads, workload.save_points, 2, program.block_size), 0, workload.dtype)
            interval, threshold = map(workload.dtype.type, (workload.save_interval, SPIKE_THRESHOLD))
            self._more = states, (lanes.count(workload.dtype, COLLECTED), interval, threshold)

    def __call__(self, *arrays: NDArray[Any]) -> None:
        """Fill the last of ``u0, w0, i_app, output``."""
        if not self._padded:
            self._evaluate(*arrays)
            return
        size = arrays[0].size
        for padded, given in zip(self._padded[:3], arrays, strict=False):
            padded[:size] = given
        self._evaluate(*self._padded)
        arrays[3][...] = self._padded[3][..., :size]

    def _evaluate(self, u0: NDArray[Any], w0: NDArray[Any], i_app: NDArray[Any], output: NDArray[Any]) -> None:
        use_threads(self._threads)
        aligned = output.ctypes.data % ALIGNMENT == 0 and output.strides[-2] % ALIGNMENT == 0
        more = self._more or (aligned,)
        self._kernel((self._parameters, self._times), (u0, w0, i_app), output, self._memory, *more)
