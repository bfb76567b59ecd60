"""A network prepared on the GPU: buffers, engine and stream, and the calls that make up a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from cuda.bindings import driver

from fhnbench import Effective, Execution, nvidia
from fhnbench_tensorrt.layout import ALIGNMENT, ITEMSIZE, Buffer, Place
from fhnbench_tensorrt.rows import Rows, copy_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Workload
    from fhnbench_tensorrt.engine import Engine
    from fhnbench_tensorrt.layout import Layout
    from fhnbench_tensorrt.model import StaticModel

_TIMED_RUNS = 5

_BUFFERS: tuple[Buffer, ...] = ("times", "inputs", "states")


@final
class TensorRTExecution(Execution):
    """Run an engine over all chunks and passes, straight into the trajectories.

    Parameters
    ----------
    workload
        Sizes and precision.
    device
        Name of the GPU, whose context is current.
    layout
        Where everything lies.
    model, engine
        The network for the layout's chunks and passes of a call. `close` closes the engine.
    graph
        Whether a run is captured once and replayed.
    """

    def __init__(
        self, workload: Workload, device: str, layout: Layout, model: StaticModel, engine: Engine, *, graph: bool
    ) -> None:
        self.effective = Effective(device, workload.precision)
        self.layout, self._engine, self._size = layout, engine, workload.size
        self._memory = {name: nvidia.DeviceMemory(layout.size(name)) for name in _BUFFERS}
        for memory in self._memory.values():
            memory.clear()
        self._stream = nvidia.Stream()
        self.clock = self._stream.clock
        self._staging = nvidia.pinned_array((3, workload.size), np.float32)
        self._host = nvidia.pinned_array(workload.shape, np.float32)
        self._calls = [self._addresses(model, one.inputs, one.outputs) for one in layout.calls()]
        times = np.zeros((workload.save_points, ALIGNMENT // ITEMSIZE), np.float32)
        times[:, 0] = workload.times
        nvidia.copy_to_device(self._memory["times"].address, times)
        self._enqueue()  # the first call allocates, which a capture does not allow
        self._stream.synchronize()
        self._graph = self._stream.captured(self._enqueue) if graph else None
        self.run()
        self.synchronize()

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs to the device through page-locked memory."""
        self._stream.synchronize()  # an earlier copy may still read it
        for own, name in zip(self._staging, ("u0", "w0", "i_app"), strict=True):
            np.copyto(own, getattr(ensemble, name), casting="same_kind")
        width = self._size * ITEMSIZE
        copy_rows(self._stream, self._rows("inputs"), _host_rows(self._staging), width, 3)

    def run(self) -> None:
        """Enqueue all calls, or the graph of them."""
        if self._graph is None:
            self._enqueue()
        else:
            self._stream.launch(self._graph)

    def synchronize(self) -> None:
        """Wait for the stream."""
        self._stream.synchronize()

    def output(self) -> NDArray[Any]:
        """Return the trajectories on the host, in this execution's own page-locked array."""
        points = len(self._host)
        copy_rows(self._stream, _host_rows(self._host), self._rows("states"), self._size * ITEMSIZE, 2 * points)
        self._stream.synchronize()
        return self._host

    def close(self) -> None:
        """Release graph, engine, stream and device memory."""
        self._stream.synchronize()
        if self._graph is not None:
            nvidia.call(driver.cuGraphExecDestroy(self._graph))
        self._engine.close()
        self._stream.close()
        for memory in self._memory.values():
            memory.close()

    def seconds(self) -> float:
        """Return the median time of a few runs, measured on the device."""
        return float(np.median([self._stream.seconds(self.run) for _ in range(_TIMED_RUNS)]))

    def _enqueue(self) -> None:
        initial = 2 * self.layout.stride * ITEMSIZE
        copy_rows(self._stream, self._rows("states"), self._rows("inputs"), initial // 2, 2)
        for addresses in self._calls:
            self._engine.enqueue(addresses, int(self._stream.handle))

    def _rows(self, buffer: Buffer) -> Rows:
        return Rows(self._memory[buffer].address, self.layout.stride * ITEMSIZE, on_device=True)

    def _addresses(self, model: StaticModel, inputs: dict[str, Place], outputs: tuple[Place, ...]) -> dict[str, int]:
        places = inputs | dict(zip(model.outputs, outputs, strict=True))
        return {name: self._memory[place.buffer].address + place.offset for name, place in places.items()}


def _host_rows(array: NDArray[Any]) -> Rows:
    return Rows(array.ctypes.data, array.shape[-1] * array.itemsize, on_device=False)
