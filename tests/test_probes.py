"""The probes of the machine: what they write and count; how fast they are is the machine's affair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fhnbench import Refused, Workload, lanes
from fhnbench.arrays import ALIGNMENT, aligned_full
from fhnbench.measure import probes
from fhnbench.measure.probes import MachineProbe


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 1000])
def test_rates_are_positive(size: int, precision: str) -> None:
    sample = MachineProbe(Workload(size, save_points=3, precision=precision)).measure()
    for rate in (sample.fma_per_s, sample.bytes_per_s):
        assert math.isfinite(rate)
        assert rate > 1e6


@pytest.mark.parametrize("write", [probes._write, probes._write_past_caches])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_byte_that_counts_is_written(write, threads: int) -> None:
    size = lanes.count(np.float32, probes._CHAIN)
    memory = aligned_full((threads * 5 * size,), np.nan, np.float32)
    shares = memory.reshape(threads, -1)
    shares[:, :size] = 7
    write(memory, size, threads, 1)
    assert (memory == 7).all()


def test_every_operation_that_counts_is_done() -> None:
    size = lanes.count(np.float64, probes._CHAIN)
    values = np.full((2, 3 * size), 9.0)
    probes._multiply_add(values, size, 4)
    np.testing.assert_array_equal(values, 1 + 8 / 2**4)  # x -> x / 2 + 1 / 2 has the fixed point 1


def test_more_threads_than_cpus_are_refused() -> None:
    with pytest.raises(Refused, match="10000 threads asked for"):
        MachineProbe(Workload(10, threads=10_000))


@pytest.mark.parametrize("shape", [(1,), (3, 2, 7), (51, 2, 1000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_aligned_arrays_are_aligned(shape: tuple[int, ...], dtype: type) -> None:
    array = aligned_full(shape, 0.5, dtype)
    assert array.ctypes.data % ALIGNMENT == 0
    assert array.flags.c_contiguous
    assert (array.shape, array.dtype) == (shape, dtype)
    assert (array == 0.5).all()
