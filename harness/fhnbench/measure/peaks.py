"""The peaks of devices, probed by workers of their own in the same rounds as the contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench.errors import Refused
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

    If it fails, its device has no peaks, `problem` says why, and contenders are measured all the same.

    Parameters
    ----------
    device
        Name of the device whose peaks are wanted; `best` has the name of that which is probed.
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
    """

    def __init__(self, device: str, workload: Workload, timeout_s: float, target: str = protocol.CPU_PROBE) -> None:
        self._timeout_s = timeout_s
        self._worker = WorkerProcess(workload.threads, protocol.WORKER, protocol.replies)
        self.problem = ""
        reply = self._ask(protocol.PrepareProbe(workload, target))
        if isinstance(reply, protocol.Prepared):
            device = reply.device
        self.best = ProbeRecord(workload.precision, 0.0, 0.0, device)

    def measure(self) -> None:
        """Measure once and keep the best so far: a peak is what the machine can do undisturbed."""
        if self.problem:
            return
        reply = self._ask(protocol.MeasureProbe())
        if not isinstance(reply, protocol.Probed):
            return
        fma_per_s = max(reply.fma_per_s, self.best.fma_per_s)
        bytes_per_s = max(reply.bytes_per_s, self.best.bytes_per_s)
        self.best = ProbeRecord(self.best.precision, fma_per_s, bytes_per_s, self.best.device)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _ask(self, asked: protocol.Request) -> protocol.Reply | None:
        """Return the reply, or None with the reason in `problem`."""
        try:
            reply = self._worker.ask(asked, self._timeout_s)
            if not isinstance(reply, protocol.Failed):
                return reply
            reason = reply.message
        except (WorkerLost, WorkerTimeout) as error:
            reply, reason = None, str(error)
        self.close()
        if reply is not None and reply.kind in {"refused", "unavailable"}:
            raise Refused(reason)
        self.problem = f"the peaks of its device cannot be measured: {reason}"
        return None


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
                probe = PeakProbe(device, workload, timeout_s, target)
            except Refused:
                continue
            if probe.best.device == device:
                found.append(probe)
                break
            probe.close()
    return found
