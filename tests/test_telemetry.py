"""What a machine tells of itself: frequencies, throttling, energy; and what it does not tell."""

from __future__ import annotations

import os
import sys
import types

import pytest

from fhnbench.measure.telemetry import CpuTelemetry, GpuTelemetry, busy_s, memory_bytes, telemetry


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return the folders of a machine with two CPUs and two energy counters."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    for cpu, khz in ((0, 3_000_000), (1, 2_000_000), (2, 100_000)):
        write(tmp_path / "cpus" / f"cpu{cpu}" / "cpufreq", scaling_cur_freq=khz)
        write(tmp_path / "cpus" / f"cpu{cpu}" / "thermal_throttle", core_throttle_count=cpu)
    for package in (0, 1):
        write(tmp_path / "power" / f"intel-rapl:{package}", energy_uj=5_000_000, max_energy_range_uj=8_000_000)
    write(tmp_path / "power" / "intel-rapl:0:0", energy_uj=1, max_energy_range_uj=2)  # inside the package
    write(tmp_path / "proc", cpuinfo="cpu MHz : 1000.0\ncpu MHz : 3000.0", stat="cpu  100 0 50 900 7 1 2 47 0 0")
    return tmp_path


def test_the_cpus_that_may_be_used(machine):
    reader = CpuTelemetry(machine / "proc", machine / "cpus", machine / "power")
    before = reader.read()
    assert (before.mhz, before.throttled, before.energy_j) == (2500, 1, 0)
    write(machine / "power" / "intel-rapl:0", energy_uj=6_500_000)
    write(machine / "power" / "intel-rapl:1", energy_uj=1_000_000)  # began anew: 3 J to the end, and one
    write(machine / "cpus" / "cpu1" / "thermal_throttle", core_throttle_count=4)
    after = reader.read()
    assert after.energy_j == pytest.approx(1.5 + 4)
    assert after.throttled == 4
    assert after.at_s >= before.at_s


def test_what_a_machine_does_not_tell(machine, tmp_path):
    nothing = tmp_path / "nothing"
    silent = CpuTelemetry(machine / "proc", nothing, nothing).read()
    assert (silent.mhz, silent.throttled, silent.energy_j) == (2000, None, None)
    assert CpuTelemetry(nothing, nothing, nothing).read().mhz is None
    assert busy_s(nothing) is None


def test_busy_time_takes_in_what_a_hypervisor_stole(machine):
    assert busy_s(machine / "proc") == pytest.approx(200 / os.sysconf("SC_CLK_TCK"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_process():
    before = memory_bytes()
    held = bytearray(64 * 2**20)
    assert memory_bytes() - before > 32 * 2**20
    del held


class NVMLError(Exception):
    pass


def nvml(monkeypatch, **changes):
    def refuse(*_):
        raise NVMLError

    library = types.ModuleType("pynvml")
    functions = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByIndex": lambda index: f"gpu {index}",
        "nvmlDeviceGetHandleByUUID": lambda uuid: uuid,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: 0,
        "nvmlDeviceGetTotalEnergyConsumption": lambda _: 12_500,
        "nvmlDeviceGetClockInfo": lambda _device, _kind: 1980,
        **{name: refuse if value is None else value for name, value in changes.items()},
    }
    for name, value in {**functions, "NVMLError": NVMLError, "NVML_CLOCK_SM": 1}.items():
        setattr(library, name, value)
    monkeypatch.setitem(sys.modules, "pynvml", library)


def test_a_gpu(monkeypatch):
    nvml(monkeypatch)
    reading = telemetry("NVIDIA Something").read()
    assert (reading.mhz, reading.throttled, reading.energy_j) == (1980, 0, 12.5)
    nvml(monkeypatch, nvmlDeviceGetCurrentClocksThrottleReasons=lambda _: 0x40, nvmlDeviceGetClockInfo=None)
    reading = GpuTelemetry().read()
    assert (reading.mhz, reading.throttled) == (None, 1)


def test_without_nvml_a_gpu_s_host_is_read(monkeypatch):
    nvml(monkeypatch, nvmlInit=None)
    assert isinstance(telemetry("NVIDIA Something"), CpuTelemetry)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert isinstance(telemetry("NVIDIA Something"), CpuTelemetry)
