"""The probe of the GPU's peaks: its kernels as machine code, and what it counts, on an emulated GPU."""

from __future__ import annotations

import math

import pytest

import cuda_emulation
from fhnbench import Refused, Workload, nvidia
from fhnbench_cuda import compiler

pytest.importorskip("cuda.bindings.driver", reason="needs fhnbench[cuda]")

from fhnbench_cuda import peaks

FILES = "peaks.cu", "peaks_tensor.cu"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, emulated_gpu: None) -> None:
    monkeypatch.setattr(peaks, "_STEPS", 2)
    monkeypatch.setattr(peaks, "_BYTES", 100_000)


@pytest.mark.parametrize("arch", ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"])
def test_kernels_compile_and_stay_in_registers(arch: str) -> None:
    programs = [program for precision in peaks._KERNELS for program in peaks.peak_kernels(precision)]
    plain, tensor = ([program for program in programs if program.file == file] for file in FILES)
    binaries = [compiler.compile_program(cuda_emulation.union_of(some), arch) for some in (plain, tensor)]
    for usage in (usage for binary in binaries for usage in binary.usage.values()):
        assert (usage.local_memory, usage.spill_stores, usage.spill_loads) == (0, 0, 0)


@pytest.mark.parametrize(("precision", "operations"), [("float32", 1), ("float64", 1), ("float16", 64)])
def test_rates_are_those_of_what_is_done_in_the_time(
    precision: str, operations: int, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = Workload(1000, 3, precision=precision)
    probe = peaks.CudaProbe(workload)
    measured = probe.measure()
    assert probe.device == "emulated GPU"
    assert all(math.isfinite(rate) and rate > 0 for rate in (measured.fma_per_s, measured.bytes_per_s))
    monkeypatch.setattr(probe._stream.clock, "seconds", lambda: 0.5)
    fixed = probe.measure()
    threads = 2 * 8 * 256  # of the emulated GPU's multiprocessors
    assert fixed.fma_per_s == 2 * 8 * threads * operations / 0.5
    size = 1000 * 3 * 2 * workload.dtype.itemsize
    assert fixed.bytes_per_s == -(-100_000 // size) * size / 0.5


def test_a_precision_that_the_gpu_lacks_is_refused(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "open_device", lambda: nvidia.Device("a Turing GPU", (7, 5), 2, 65536))
    with pytest.raises(Refused, match="bfloat16 is not supported"):
        peaks.CudaProbe(Workload(10, precision="bfloat16"))


def test_a_few_samples_are_not_written_over_and_over_for_ever(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "_MOST_PASSES", 3)
    probe = peaks.CudaProbe(Workload(1, 3))
    monkeypatch.setattr(probe._stream.clock, "seconds", lambda: 0.5)
    assert probe.measure().bytes_per_s == 3 * 32 / 0.5  # 24 bytes are two vectors
