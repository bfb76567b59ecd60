"""The peaks of devices, probed by workers of their own in the same rounds as the contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError, Refused
from fhnbench.measure import protocol
from fhnbench.measure.process import WorkerLost, WorkerProcess, WorkerTimeout
from fhnbench.plugins.registry import registry
from fhnbench.plugins.specs import ProbeSpec
from fhnbench.results.record import ProbeRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhnbench.workload import Workload


class PeakProbe:
    """A worker that measures arithmetic and store peaks of a device in one precision.

    Parameters
    ----------
    workload
        Gives precision, threads and the size of the output.
    timeout_s
        Most time for an answer, in seconds.
    target
        What makes the probe: the CPU's, or one that a plugin declares.

    Raises
    ------
    Refused
        If the probe does not know the precision, or its device is not there.
    FhnbenchError
        If it fails.
    """

    def __init__(self, workload: Workload, timeout_s: float, target: str = protocol.CPU_PROBE) -> None:
        self._timeout_s = timeout_s
        self._worker = WorkerProcess(workload.threads, protocol.WORKER, protocol.replies)
        reply = self._ask(protocol.PrepareProbe(workload, target))
        assert isinstance(reply, protocol.Prepared)
        self.best = ProbeRecord(workload.precision, 0.0, 0.0, reply.device)

    def measure(self) -> None:
        """Measure once and keep the best so far: a peak is what the machine can do undisturbed."""
        reply = self._ask(protocol.MeasureProbe())
        assert isinstance(reply, protocol.Probed)
        fma_per_s = max(reply.fma_per_s, self.best.fma_per_s)
        bytes_per_s = max(reply.bytes_per_s, self.best.bytes_per_s)
        self.best = ProbeRecord(self.best.precision, fma_per_s, bytes_per_s, self.best.device)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _ask(self, asked: protocol.Request) -> protocol.Reply:
        try:
            reply = self._worker.ask(asked, self._timeout_s)
        except (WorkerLost, WorkerTimeout) as error:
            raise FhnbenchError(f"the machine's peaks cannot be measured: {error}") from None
        if isinstance(reply, protocol.Failed):
            self.close()
            if reply.kind in {"refused", "unavailable"}:
                raise Refused(reply.message)
            raise FhnbenchError(f"the machine's peaks cannot be measured: {reply.message}")
        return reply


def probes_of(devices: Iterable[tuple[str, Workload]], timeout_s: float) -> list[PeakProbe]:
    """Return a probe for each device and precision that there is one for.

    Parameters
    ----------
    devices
        Devices by the name that executions on them give, and workloads there.
    timeout_s
        Most time for an answer, in seconds.
    """
    plugins = [entry.spec.target for entry in registry().entries(ProbeSpec) if entry.availability.available]
    found = []
    for device, workload in dict.fromkeys(devices):
        for target in [protocol.CPU_PROBE] if device == "cpu" else plugins:
            try:
                probe = PeakProbe(workload, timeout_s, target)
            except Refused:
                continue
            if probe.best.device == device:
                found.append(probe)
                break
            probe.close()
    return found
