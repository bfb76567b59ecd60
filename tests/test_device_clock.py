"""What the harness does with a device that has a clock and peaks of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fhnbench import DeviceClock, DeviceProbe, Peaks, Refused, Workload, standard_problem
from fhnbench.accuracy import Accuracy
from fhnbench.errors import one_line
from fhnbench.measure import protocol
from fhnbench.measure.member import Member
from fhnbench.measure.outputs import OutputAudit
from fhnbench.measure.peaks import probes_of
from fhnbench.measure.worker import Answers, ContenderWorker
from fhnbench.plugins.contender import Request
from fhnbench.plugins.registry import Entry, Plugin, Registry
from fhnbench.plugins.specs import ProbeSpec
from fhnbench.results.record import Block, ProbeRecord, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fhnbench import Precision

WORKLOAD = Workload(64, save_points=3)


class Stopped(DeviceClock):
    """A clock that shows the same time whatever it measures."""

    def __init__(self, shown_s: float) -> None:
        self.calls: list[str] = []
        self._shown_s = shown_s

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def seconds(self) -> float:
        self.calls.append("seconds")
        return self._shown_s


class FarProbe(DeviceProbe):
    """A probe of a device that is nowhere."""

    device = "far"

    def __init__(self, workload: Workload) -> None:
        workload.require_precision("float32", "float16")

    def measure(self) -> Peaks:
        return Peaks(1e12, 2e11)


@pytest.fixture
def inputs(tmp_path: Path) -> str:
    ensemble = standard_problem("C").sample(2 * WORKLOAD.size).astype(np.float32)
    path = tmp_path / "inputs.npy"
    np.save(path, np.stack([ensemble.u0, ensemble.w0, ensemble.i_app]))
    return str(path)


def test_a_block_records_the_time_of_the_device_for_each_run(inputs: str) -> None:
    worker = ContenderWorker(protocol.Prepare("euler-cpu", "solver", None, WORKLOAD, inputs))
    assert worker.measure(protocol.Measure(0)).device_s is None
    clock = Stopped(60.0)
    worker._execution.clock = clock
    measured = worker.measure(protocol.Measure(0))
    assert clock.calls == ["start", "stop", "seconds"]
    assert measured.device_s == 60.0 / measured.runs
    assert measured.runs > 1
    assert worker.measure(protocol.Measure(0, flush_bytes=4096)).runs == 1


@pytest.mark.parametrize(("factor", "noted"), [(1.01, False), (0.99, False), (2.0, True), (0.5, True)])
def test_clocks_that_disagree_are_noted(factor: float, noted: bool) -> None:
    member = Member(Request("x-far", "solver", "float32", {}), WORKLOAD, Settings(), outputs=None)
    member.blocks = [Block(n, n, 1, 1e-6, 1e-3, 1e-6, 0.0, factor * 1e-3) for n in range(5)]
    notes = [note for note in member._notes() if "device's clock" in note]
    assert bool(notes) == noted
    if factor == 2.0:
        assert notes == ["the device's clock shows +100% of the time that passed"]


def test_a_device_has_the_peaks_of_its_own_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ProbeSpec(name="far", target=f"{__name__}:FarProbe", summary="far away")
    plugins = Registry(items=(Entry(spec, Plugin("far", "far", "1")),))
    monkeypatch.setattr("fhnbench.measure.peaks.registry", lambda: plugins)
    monkeypatch.setattr("fhnbench.measure.peaks.WorkerProcess", InThisProcess)
    half, double = (Workload(64, 3, precision=precision) for precision in ("float16", "float64"))
    devices = [("far", WORKLOAD), ("far", WORKLOAD), ("far", double), ("farther", WORKLOAD), ("cpu", half)]
    (probe,) = probes_of(devices, 10)
    probe.measure()
    assert (probe.best.device, probe.best.precision) == ("far", "float32")
    assert (probe.best.fma_per_s, probe.best.bytes_per_s) == (1e12, 2e11)


class Broken(DeviceProbe):
    """A probe whose device fails, at once or later."""

    device = "far"

    def __init__(self, workload: Workload) -> None:
        if workload.precision == "float64":
            raise OSError("the device is gone")

    def measure(self) -> Peaks:
        raise OSError("the device is lost")


@pytest.mark.parametrize(("precision", "reason"), [("float32", "is lost"), ("float64", "is gone")])
def test_a_probe_that_fails_costs_the_roofline_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, precision: Precision, reason: str
) -> None:
    spec = ProbeSpec(name="far", target=f"{__name__}:Broken", summary="far away")
    monkeypatch.setattr(
        "fhnbench.measure.peaks.registry", lambda: Registry(items=(Entry(spec, Plugin("far", "far", "1")),))
    )
    monkeypatch.setattr("fhnbench.measure.peaks.WorkerProcess", InThisProcess)
    workload = Workload(64, 3, precision=precision)
    (probe,) = probes_of([("far", workload)], 10)
    for _ in range(2):
        probe.measure()
    assert probe.problem == f"the peaks of its device cannot be measured: OSError: the device {reason}"
    place = "far", precision
    assert (probe.best.device, probe.best.precision) == place

    member = Member(
        Request("x-far", "solver", precision, {}), workload, Settings(), OutputAudit(None, None, None, workload)
    )
    member.blocks = [Block(n, n, 1, 1e-6, 1e-3, 1e-6, 0.0) for n in range(5)]
    member.errors = Accuracy(1e-3, 2e-3, 3e-2, 3.0, 0.02, 1000, 1, 0)
    member._prepared = protocol.Prepared(0.1, 1e-3, 1e6, 1e6, *place)
    row = member.row({}, {place: probe.problem})
    assert (row.status, row.roofline_fraction, row.notes) == ("ran", None, (probe.problem,))
    assert member.row({place: ProbeRecord(precision, 1e12, 1e12, "far")}, {place: probe.problem}).notes == ()


class InThisProcess:
    """A worker without a process."""

    def __init__(self, *_: object) -> None:
        self._answers = Answers()

    def ask(self, asked: protocol.Request, _timeout_s: float) -> protocol.Reply:
        try:
            return self._answers(asked)
        except Refused as error:
            return protocol.Failed("refused", str(error))
        except OSError as error:
            return protocol.Failed("failed", one_line(error))

    def close(self) -> None:
        pass
