"""The machine's peaks, probed by a worker of its own in the same rounds as the contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError
from fhnbench.measure import protocol
from fhnbench.measure.process import WorkerLost, WorkerProcess, WorkerTimeout
from fhnbench.results.record import ProbeRecord

if TYPE_CHECKING:
    from fhnbench.workload import Workload


class PeakProbe:
    """A worker that measures arithmetic and store peaks in one precision.

    Parameters
    ----------
    workload
        Gives precision, threads and the size of the output.
    timeout_s
        Most time for an answer, in seconds.
    """

    def __init__(self, workload: Workload, timeout_s: float) -> None:
        self.best = ProbeRecord(workload.precision, 0.0, 0.0)
        self._timeout_s = timeout_s
        self._worker = WorkerProcess(workload.threads, protocol.WORKER, protocol.replies)
        self._ask(protocol.PrepareProbe(workload))

    def measure(self) -> None:
        """Measure once and keep the best so far: a peak is what the machine can do undisturbed."""
        reply = self._ask(protocol.MeasureProbe())
        assert isinstance(reply, protocol.Probed)
        fma_per_s = max(reply.fma_per_s, self.best.fma_per_s)
        self.best = ProbeRecord(self.best.precision, fma_per_s, max(reply.bytes_per_s, self.best.bytes_per_s))

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _ask(self, asked: protocol.Request) -> protocol.Reply:
        try:
            reply = self._worker.ask(asked, self._timeout_s)
        except (WorkerLost, WorkerTimeout) as error:
            raise FhnbenchError(f"the machine's peaks cannot be measured: {error}") from None
        if isinstance(reply, protocol.Failed):
            raise FhnbenchError(f"the machine's peaks cannot be measured: {reply.message}")
        return reply
