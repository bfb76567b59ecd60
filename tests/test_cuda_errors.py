"""What goes wrong with a GPU, made to happen: one line says what, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import cuda_emulation
from fhnbench import FoundGpu, Refused, Unavailable, Workload, find_gpu, standard_problem
from fhnbench.exit_status import ExitStatus
from fhnbench.results.store import read_record
from fhnbench_cuda import availability
from fhnbench_cuda.solvers import Euler

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CommandLine

REASONS = {
    "init=100": "no NVIDIA GPU; see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES",
    "count=0": "no NVIDIA GPU; see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES",
    "init=803": "the NVIDIA driver does not start (CUDA error 803); see nvidia-smi; reboot after an update",
    "driver=12040": "the driver supports CUDA 12.4, the compiler is CUDA 13's; update NVIDIA's driver to 580 or later",
    "major=7 minor=0": "emulated GPU has compute capability 7.0, at least 7.5 is needed; use a Turing GPU or later",
}


@pytest.mark.parametrize(("setting", "reason"), REASONS.items(), ids=REASONS)
def test_a_gpu_that_cannot_be_used_says_why(
    setting: str, reason: str, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert availability.gpu().available
    monkeypatch.setenv("EMULATED_CUDA", setting)
    found = availability.gpu()
    assert (found.available, str(found)) == (False, reason)
    with pytest.raises(Unavailable, match=reason[:20]):
        Euler().prepare(Workload(10))


@pytest.mark.parametrize(
    ("driver_version", "capability", "available"),
    [
        (13000, (7, 5), True),
        (13050, (12, 0), True),
        (14000, (9, 0), True),
        (12090, (9, 0), False),
        (13000, (7, 2), False),
    ],
)
def test_newer_drivers_and_gpus_are_fine(driver_version: int, capability: tuple[int, int], available: bool) -> None:
    assert availability.judge("a GPU", driver_version, capability, 13).available == available


def test_what_the_driver_says_of_a_gpu_is_found(emulated_gpu: None) -> None:
    assert find_gpu() == FoundGpu("emulated GPU", (9, 0), 13000)


def test_too_little_memory_is_refused(emulated_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATED_CUDA", "memory=1000000")
    with pytest.raises(
        Refused, match=r"out of device memory: 0\.0 GiB of 0\.0 GiB are free; take fewer samples \(-n\)"
    ):
        Euler().prepare(Workload(10_000))
    Euler().prepare(Workload(1000)).close()
    monkeypatch.setenv("EMULATED_CUDA", "pinned=1000000")
    with pytest.raises(Refused, match=r"out of page-locked host memory, 0\.0 GiB are needed; take fewer samples"):
        Euler().prepare(Workload(10_000))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("launch=719", r"a kernel crashed \(CUDA_ERROR_LAUNCH_FAILED\)"),
        ("launch=701", "a kernel needs more registers or shared memory than a multiprocessor has"),
        ("launch=999", "CUDA_ERROR_UNKNOWN"),
        ("synchronize=700", "a kernel accessed memory that it does not own"),
    ],
)
def test_a_failing_kernel_says_what_happened(
    setting: str, message: str, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fhnbench import nvidia

    execution = Euler().prepare(Workload(10))
    execution.upload(standard_problem("C").sample(10).astype(np.float32))

    def compute() -> None:
        execution.run()
        execution.synchronize()

    with monkeypatch.context() as patch:
        patch.setenv("EMULATED_CUDA", setting)
        with pytest.raises(nvidia.DeviceError, match=message):
            compute()
    execution.close()


def test_without_a_driver_a_contender_says_so(command_line: CommandLine) -> None:
    load = "import ctypes; ctypes.CDLL('libcuda.so.1')"
    if subprocess.run([sys.executable, "-c", load], capture_output=True, check=False).returncode == 0:
        pytest.skip("there is a driver here")
    shown = command_line("plugins", "euler-cuda")
    assert "no NVIDIA driver; install NVIDIA's driver, see https://www.nvidia.com/drivers" in shown.stdout


def test_without_its_packages_a_contender_says_so(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "hidden" / "cuda").mkdir(parents=True)
    (tmp_path / "hidden" / "cuda" / "__init__.py").touch()  # in place of the real one
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "hidden")}
    shown = command_line("plugins", "euler-cuda", environment=environment)
    assert "cuda.bindings and cuda.core not installed; pip install 'fhnbench[cuda]'" in shown.stdout


def test_a_run_measures_the_gpu_by_both_clocks_and_shows_what_fails(
    emulated_gpu: None, command_line: CommandLine, tmp_path: Path
) -> None:
    from fhnbench_cuda.peaks import peak_kernels

    cuda_emulation.fill_cache([Euler().steps(Workload(300)).program, *peak_kernels("float32")])
    folder = cuda_emulation.driver_folder()
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), "FHNBENCH_DATASETS": str(tmp_path / "datasets")}
    solvers = [word for name in ("euler-cuda", "rk4-cuda[dt=0.3]") for word in ("--solver", name)]
    done = command_line("run", "-n", "300", "--rounds", "2", *solvers, "--output", "run", environment=environment)
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    record = read_record(tmp_path / "work" / "run")
    ran, refused = record.rows
    assert (ran.status, ran.effective.device, ran.effective.precision) == ("ran", "emulated GPU", "float32")
    assert ran.accuracy.mae == pytest.approx(8e-3, rel=0.5)
    assert all(0 < block.device_s <= block.compute_s for block in ran.blocks)
    assert [(probe.device, probe.precision) for probe in record.probes] == [("emulated GPU", "float32")]
    assert ran.roofline_fraction > 0
    assert (refused.status, "0.333333" in refused.reason) == ("refused", True)
