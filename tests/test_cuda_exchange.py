"""Trajectories on the (emulated) GPU as other libraries see them: the same memory, for as long as anyone uses it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fhnbench import Workload, standard_problem
from fhnbench_cuda.solvers import Euler

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("emulated_gpu")

WORKLOAD = Workload(100, save_points=3)


@pytest.fixture
def execution() -> Iterator[Any]:
    execution = Euler(0.5).prepare(WORKLOAD)
    execution.upload(standard_problem("C").sample(100).astype(np.float32))
    execution.run()
    execution.synchronize()
    yield execution
    execution.close()


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call the emulated GPU's memory by its true name, so that libraries without a GPU read it."""
    monkeypatch.setattr("fhnbench_cuda.exchange._CUDA", 1)


def free_memory() -> int:
    from cuda.bindings import driver

    gc.collect()
    return int(driver.cuMemGetInfo()[1])


def test_it_says_where_it_is_and_what(execution: Any) -> None:
    assert execution.states.__dlpack_device__() == (2, 0)
    interface = execution.states.__cuda_array_interface__
    assert (interface["shape"], interface["typestr"], interface["strides"]) == ((3, 2, 100), "<f4", None)
    assert interface["data"] == (execution.states.address, False)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_libraries_read_the_same_memory(library: str, execution: Any, on_host: None) -> None:
    array = np.asarray(pytest.importorskip(library).from_dlpack(execution.states))
    np.testing.assert_array_equal(array, execution.output())
    assert array.ctypes.data == execution.states.address
    execution.upload(standard_problem("C").sample(100, seed=5).astype(np.float32))
    execution.run()
    execution.synchronize()
    np.testing.assert_array_equal(array, execution.output())


def test_float16_is_read_as_it_is_stored(on_host: None) -> None:
    execution = Euler(0.5, storage="float16").prepare(WORKLOAD)
    execution.upload(standard_problem("C").sample(100).astype(np.float32))
    execution.run()
    execution.synchronize()
    array = np.from_dlpack(execution.states)
    assert array.dtype == np.float16
    np.testing.assert_array_equal(array[1:].astype(np.float32), execution.output()[1:])
    execution.close()


def test_memory_lives_as_long_as_a_reader_and_no_longer(on_host: None) -> None:
    before = free_memory()
    execution = Euler(0.5).prepare(WORKLOAD)
    execution.upload(standard_problem("C").sample(100).astype(np.float32))
    execution.run()
    array = np.from_dlpack(execution.states)
    expected = execution.output().copy()
    execution.states.__dlpack__()  # nobody takes it
    execution.close()
    del execution
    np.testing.assert_array_equal(array, expected)
    assert free_memory() == before - array.nbytes
    del array
    assert free_memory() == before


def test_an_output_stays_when_its_execution_is_closed() -> None:
    execution = Euler(0.5).prepare(WORKLOAD)
    execution.upload(standard_problem("C").sample(100).astype(np.float32))
    execution.run()
    states = execution.output()
    expected = states.copy()
    execution.close()
    del execution
    gc.collect()
    np.testing.assert_array_equal(states, expected)


@pytest.mark.parametrize("asked", [{"copy": True}, {"dl_device": (1, 0)}])
def test_copies_and_other_devices_are_refused(asked: dict[str, Any], execution: Any) -> None:
    with pytest.raises(BufferError, match="only a view on the GPU"):
        execution.states.__dlpack__(**asked)
