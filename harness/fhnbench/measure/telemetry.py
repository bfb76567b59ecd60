"""What the machine does to a block while it is timed: waiting for a CPU, clock frequency, throttling, energy.

A reading costs some tens of microseconds and is taken outside what is timed. What a machine does not tell is None.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fhnbench.measure.threads import thread_times

if TYPE_CHECKING:
    from collections.abc import Callable

_CPUS = Path("/sys/devices/system/cpu")
_POWERCAP = Path("/sys/class/powercap")

_THERMAL = 0x8 | 0x20 | 0x40 | 0x80
"""NVML's reasons for a lower clock that are not the user's choice: hardware slowdown, heat, power brake."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of the machine at one moment.

    Parameters
    ----------
    at_s
        When, in seconds.
    waited_s
        Time that this process's threads have waited for a CPU so far, summed up.
    mhz
        Mean clock frequency.
    throttled
        Number that grows when the clock is throttled (CPU), or whether it is (GPU).
    energy_j
        Energy that the device has used so far.
    """

    at_s: float
    waited_s: float | None = None
    mhz: float | None = None
    throttled: int | None = None
    energy_j: float | None = None


class Telemetry(Protocol):
    """Reads the state of a device."""

    def read(self) -> Reading:
        """Return the state now."""


def telemetry(device: str) -> Telemetry:
    """Return what reads the state of a device, as `Effective` names it: that of the CPU, or NVML's for a GPU."""
    if device != "cpu":
        with contextlib.suppress(Exception):  # no NVML, or not for this device: the CPU's state is what there is
            return GpuTelemetry()
    return CpuTelemetry()


class CpuTelemetry:
    """The CPUs that this process may use."""

    def __init__(self, proc: Path = Path("/proc"), cpus: Path = _CPUS, powercap: Path = _POWERCAP) -> None:
        self._cpuinfo = proc / "cpuinfo"
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        folders = [cpus / f"cpu{number}" for number in sorted(allowed)]
        self._frequencies = _readable(folder / "cpufreq" / "scaling_cur_freq" for folder in folders)
        self._throttles = _readable(folder / "thermal_throttle" / "core_throttle_count" for folder in folders)
        self._energy = [_Counter(folder) for folder in _packages(powercap)]

    def read(self) -> Reading:
        """Return the state now."""
        return Reading(
            time.perf_counter(),
            waited_s=_waited(),
            mhz=self._mhz(),
            throttled=sum(map(_number, self._throttles)) if self._throttles else None,
            energy_j=sum(counter.joules() for counter in self._energy) if self._energy else None,
        )

    def _mhz(self) -> float | None:
        if self._frequencies:
            return sum(map(_number, self._frequencies)) / len(self._frequencies) / 1e3
        try:
            found = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", self._cpuinfo.read_text(), re.MULTILINE)
        except OSError:
            return None
        return sum(map(float, found)) / len(found) if found else None


class GpuTelemetry:
    """The first visible GPU, through NVML (package ``nvidia-ml-py``).

    Raises
    ------
    Exception
        If the package, the driver or the device is not there.
    """

    def __init__(self) -> None:
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        self._device = (
            pynvml.nvmlDeviceGetHandleByIndex(int(first))
            if first.isdigit()
            else pynvml.nvmlDeviceGetHandleByUUID(first)
        )

    def read(self) -> Reading:
        """Return the state now."""
        nvml, device = self._nvml, self._device
        reasons = self._try(lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device))
        energy = self._try(lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(device))
        return Reading(
            time.perf_counter(),
            waited_s=_waited(),
            mhz=self._try(lambda: float(nvml.nvmlDeviceGetClockInfo(device, nvml.NVML_CLOCK_SM))),
            throttled=None if reasons is None else int(bool(reasons & _THERMAL)),
            energy_j=None if energy is None else energy / 1e3,
        )

    def _try(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._nvml.NVMLError:
            return None


class _Counter:
    """An energy counter in microjoules that begins anew at its maximum."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "energy_uj"
        self._range = _number(folder / "max_energy_range_uj")
        self._last = _number(self._path)
        self._sum = 0.0

    def joules(self) -> float:
        now = _number(self._path)
        self._sum += now - self._last if now >= self._last else now - self._last + self._range
        self._last = now
        return self._sum / 1e6


def memory_bytes() -> int | None:
    """Return the memory that this process holds (Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def busy_s(proc: Path = Path("/proc")) -> float | None:
    """Return the time that all CPUs together have been busy so far, time stolen by a hypervisor included."""
    try:
        fields = [int(field) for field in (proc / "stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _waited() -> float | None:
    found = thread_times()
    return sum(times.waiting for times in found.values()) / 1e9 if found else None


def _packages(powercap: Path) -> list[Path]:
    """Return the folders of the packages' energy counters, without the domains inside packages."""
    return [
        folder
        for folder in sorted(powercap.glob("intel-rapl:*"))
        if folder.name.count(":") == 1 and _readable([folder / "energy_uj"])
    ]


def _readable(paths: Any) -> list[Path]:
    found = []
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            _number(path)
            found.append(path)
    return found


def _number(path: Path) -> int:
    return int(path.read_text())
