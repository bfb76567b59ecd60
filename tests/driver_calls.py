"""Make the calls to the driver that plugins share, and those of TensorRT's, on a machine that has none.

Arguments are converted before the driver is looked for, so a wrong one is another error.
"""

from __future__ import annotations

import numpy as np
from cuda.bindings import driver

from fhnbench import nvidia
from fhnbench_tensorrt.rows import Rows, copy_rows


def calls():
    """Return functions of no argument, each of which calls the driver first."""
    stream = object.__new__(nvidia.Stream)
    stream.handle = driver.CUstream(0)
    rows = Rows(4096, 256, on_device=True), Rows(8192, 128, on_device=False)
    graph = driver.CUgraphExec(0)
    clock = object.__new__(nvidia.StreamClock)
    memory = object.__new__(nvidia.DeviceMemory)
    memory.address, memory.size = 4096, 256
    clock._stream, clock._begin, clock._end = stream.handle, driver.CUevent(0), driver.CUevent(0)
    return (
        nvidia.Stream,
        lambda: nvidia.StreamClock(stream.handle),
        lambda: nvidia.DeviceMemory(256),
        memory.clear,
        lambda: nvidia.copy_to_device(4096, np.zeros((2, 3), np.float32)),
        nvidia._wait_for_default_stream,
        lambda: nvidia.pinned_array((2, 3), np.float32),
        lambda: copy_rows(stream, *rows, 100, 3),
        lambda: copy_rows(stream, *reversed(rows), 100, 3),
        lambda: stream.captured(lambda: None),
        lambda: stream.launch(graph),
        stream.synchronize,
        clock.start,
        clock.stop,
        clock.seconds,
        clock.close,
    )


def main() -> None:
    """Call all, and say how many got as far as to the driver."""
    reached = 0
    for call in calls():
        try:
            call()
        except RuntimeError as error:
            if "NVIDIA driver library" not in str(error):
                raise
            reached += 1
    print(f"{reached} calls reached the driver")  # noqa: T201


if __name__ == "__main__":
    main()
