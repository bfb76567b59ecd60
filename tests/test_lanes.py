"""Explicit vectors, and the compiler that they are compiled by."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numba.core.errors import TypingError

from fhnbench import jit, lanes
from fhnbench.arrays import aligned_full

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 3

KERNEL = """
import sys
import numpy as np
from fhnbench import jit, lanes

def kernel(steps, factors):
    @jit()
    def run(values):
        x = lanes.load(values, 0, 1)
        for _ in range(steps):
            x = x * factors[0] + factors[1]
        lanes.store(values, 0, x)
    return run

run = kernel(3, (0.5, 0.25))
run(np.zeros(16))
print(sum(run.stats.cache_hits.values()), sum(run.stats.cache_misses.values()))
"""


@jit()
def polynomial(source, target, scale):
    x = lanes.load(source, 1, WIDTH)
    y = lanes.load(target, 0, WIDTH)
    lanes.store(target, 0, 2 * x * x - scale * y + (1 - x))


@jit()
def copy_past_caches(source, target):
    lanes.stream(target, 0, lanes.load(source, 0, WIDTH))
    lanes.drain()


@jit()
def load_from(source):
    lanes.store(source, 0, lanes.load(source, 0, WIDTH))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic_is_that_of_numbers(dtype: type) -> None:
    size = lanes.count(dtype, WIDTH)
    source, target = np.random.default_rng(0).random((2, size + 5)).astype(dtype)
    x, y = source[1 : size + 1], target[:size].copy()
    beyond = target[size:].copy()
    polynomial(source, target, 3)
    np.testing.assert_allclose(target[:size], 2 * x * x - 3 * y + (1 - x), rtol=0, atol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(target[size:], beyond)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_streamed_arrives(dtype: type) -> None:
    size = lanes.count(dtype, WIDTH)
    source = np.arange(size + 1, dtype=dtype)
    target = aligned_full((size + 1,), -1, dtype)
    copy_past_caches(source, target)
    np.testing.assert_array_equal(target, [*range(size), -1])


def test_strided_and_multidimensional_arrays_do_not_compile() -> None:
    for array in (np.zeros(400)[::2], np.zeros((20, 20))):
        with pytest.raises(TypingError):
            load_from(array)


def test_compiled_code_is_found_again_by_another_process(tmp_path: Path) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL)
    counts = [
        subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert counts == [["0", "1"], ["1", "0"]]
