"""A module prepared for a workload: buffers allocated, weights converted, threads pinned; on a CPU or on CUDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch

from fhnbench import DeviceClock, Effective, Execution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Workload

_WARM_RUNS = 3
"""Runs before a capture: cuBLAS and the allocator prepare themselves in the first ones."""


class Evaluation:
    """Buffers on a device, and the evaluation of a module into them, a chunk of samples at a time.

    Parameters
    ----------
    module
        From ``(u0, w0, i_app, save_points)`` to ``states[T, 2, chunk]``. In the precisions of 16 bits its weights are
        converted, and its inputs, outputs and buffers (the normalisation) stay float32.
    workload
        Sizes and precision.
    chunk
        Most samples that are evaluated together; the chunks differ by one sample at most.
    device
        Where.
    compiled
        Whether `torch.compile` compiles the module.
    """

    def __init__(
        self, module: torch.nn.Module, workload: Workload, chunk: int, device: torch.device, *, compiled: bool
    ) -> None:
        module = module.eval().requires_grad_(False).to(device)
        if workload.precision == "float64":
            module = module.double()
        else:
            for parameter in module.parameters():
                parameter.data = parameter.data.to(getattr(torch, workload.precision))
        dtype = torch.float64 if workload.precision == "float64" else torch.float32
        self.inputs = torch.zeros(3, workload.size, dtype=dtype, device=device)
        # Touched here, so that page faults of the first run are not counted as computation.
        self.states = torch.full(workload.shape, torch.nan, dtype=dtype, device=device)
        self._module = torch.compile(module, dynamic=False) if compiled else module
        self._points, self._chunks = workload.save_points, -(-workload.size // chunk)

    @torch.inference_mode()
    def __call__(self) -> None:
        """Evaluate all chunks into the trajectories; activations of a chunk are all that is allocated."""
        inputs = torch.tensor_split(self.inputs, self._chunks, 1)
        states = torch.tensor_split(self.states, self._chunks, 2)
        for (u0, w0, i_app), chunk in zip(inputs, states, strict=True):
            chunk.copy_(self._module(u0, w0, i_app, self._points))


@final
class CpuExecution(Execution):
    """Evaluate on the CPU, with the workload's threads; parameters as for `Evaluation`."""

    def __init__(self, module: torch.nn.Module, workload: Workload, chunk: int, *, compiled: bool) -> None:
        torch.set_num_threads(workload.threads)
        self.effective = Effective("cpu", workload.precision)
        self._evaluate = Evaluation(module, workload, chunk, torch.device("cpu"), compiled=compiled)
        if compiled:
            self.run()

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs."""
        copy_inputs(self._evaluate.inputs, ensemble)

    def run(self) -> None:
        """Evaluate all chunks."""
        self._evaluate()

    def synchronize(self) -> None:
        """Do nothing: `run` returned when the work was done."""

    def output(self) -> NDArray[Any]:
        """Return the trajectories (this execution's own array)."""
        states: NDArray[Any] = self._evaluate.states.numpy()
        return states

    def close(self) -> None:
        """Do nothing: the buffers are freed with this object."""


@final
class CudaExecution(Execution):
    """Evaluate on the first GPU, on a stream of its own.

    Parameters
    ----------
    module, workload, chunk, compiled
        As for `Evaluation`.
    graph
        Whether a run is captured once and replayed as one CUDA graph.
    tf32
        Whether products of float32 matrices may use TF32, in this process.
    """

    def __init__(
        self, module: torch.nn.Module, workload: Workload, chunk: int, *, compiled: bool, graph: bool, tf32: bool
    ) -> None:
        torch.set_num_threads(workload.threads)
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        device = torch.device("cuda", 0)
        self.effective = Effective(torch.cuda.get_device_name(device), workload.precision)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(self._stream):
            self._evaluate = Evaluation(module, workload, chunk, device, compiled=compiled)
            inputs, states = self._evaluate.inputs, self._evaluate.states
            self._staging = torch.empty(inputs.shape, dtype=inputs.dtype, pin_memory=True)
            self._host = torch.empty(states.shape, dtype=states.dtype, pin_memory=True)
            for _ in range(_WARM_RUNS):
                self._evaluate()
        self._stream.synchronize()
        self.clock = StreamClock(self._stream)
        self._graph = self._captured() if graph else None
        self.run()
        self.synchronize()

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs to the device through page-locked memory."""
        self._stream.synchronize()  # an earlier copy may still read it
        copy_inputs(self._staging, ensemble)
        with torch.cuda.stream(self._stream):
            self._evaluate.inputs.copy_(self._staging, non_blocking=True)

    def run(self) -> None:
        """Enqueue all chunks, or the graph of them."""
        with torch.cuda.stream(self._stream):
            if self._graph is None:
                self._evaluate()
            else:
                self._graph.replay()

    def synchronize(self) -> None:
        """Wait for the stream."""
        self._stream.synchronize()

    def output(self) -> NDArray[Any]:
        """Return the trajectories on the host, in this execution's own page-locked array."""
        with torch.cuda.stream(self._stream):
            self._host.copy_(self._evaluate.states, non_blocking=True)
        self._stream.synchronize()
        states: NDArray[Any] = self._host.numpy()
        return states

    def close(self) -> None:
        """Give the device's memory back; what `output` returned stays."""
        self._stream.synchronize()
        self._graph = None
        del self._evaluate
        torch.cuda.empty_cache()

    def _captured(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._evaluate()
        return graph


@final
class StreamClock(DeviceClock):
    """The time between two points of a stream."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream
        self._begin, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]

    def start(self) -> None:
        """Enqueue the beginning."""
        self._begin.record(self._stream)

    def stop(self) -> None:
        """Enqueue the end."""
        self._end.record(self._stream)

    def seconds(self) -> float:
        """Return the time between beginning and end."""
        return float(self._begin.elapsed_time(self._end)) / 1e3


def copy_inputs(own: torch.Tensor, ensemble: Ensemble) -> None:
    """Copy an ensemble into a tensor ``[3, N]`` on the host; torch wraps no array that it may not write to."""
    for row, name in zip(own.numpy(), ("u0", "w0", "i_app"), strict=True):
        row[:] = getattr(ensemble, name)
