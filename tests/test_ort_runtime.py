"""The runtime ``ort``: what the family's module gives, however the samples are cut into chunks and shared out."""

from __future__ import annotations

import functools
import threading

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhnbench import (
    ACTIVATIONS,
    Ensemble,
    FhnbenchError,
    NetworkModule,
    Refused,
    SurrogateFamily,
    Unavailable,
    Workload,
    check_trajectories,
    network_cost,
    standard_problem,
)
from fhnbench.plugins.options import build
from fhnbench_onnxruntime.execution import CHUNKS, OnnxExecution, share_out
from fhnbench_onnxruntime.runtime import OnnxRuntime
from fhnbench_onnxruntime.session import CpuSession
from networks import NETWORKS, artifact_of, exported, network_of


class Family(SurrogateFamily):
    """A family whose module is given."""

    def __init__(self, module=None):
        self._module = module

    def train(self, task):
        raise NotImplementedError

    def module(self, artifact):
        return self._module or NetworkModule.of(artifact)


@functools.cache
def session_of(name, precision="float32"):
    return CpuSession(exported(name, precision))


def ensemble_of(size, precision="float32"):
    return standard_problem("C").sample(size, seed=size).astype(precision)


def evaluate(name, ensemble, save_points=51, threads=1, chunk=None):
    """Return the trajectories, checked against the contract; a model is exported once for all tests."""
    workload = Workload(ensemble.size, save_points, precision=ensemble.u0.dtype.name, threads=threads)
    execution = OnnxExecution(session_of(name, workload.precision), NETWORKS[name], workload, chunk)
    execution.upload(ensemble)
    execution.run()
    execution.close()
    return check_trajectories(execution.output(), workload, ensemble)


def by_torch(name, ensemble, save_points=51):
    """Return the trajectories that the family's module gives in float64."""
    inputs = (torch.from_numpy(getattr(ensemble, name).astype(np.float64)) for name in ("u0", "w0", "i_app"))
    with torch.inference_mode():
        return NetworkModule.of(artifact_of(NETWORKS[name])).double()(*inputs, save_points).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_computes_what_the_module_does(name):
    ensemble = ensemble_of(50)
    expected = by_torch(name, ensemble)
    assert expected[1:].std() > 1e-3
    np.testing.assert_allclose(evaluate(name, ensemble), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["direct", "iterative", "last activation"])
def test_float64_is_what_computes(name):
    ensemble = ensemble_of(50, "float64")
    np.testing.assert_allclose(evaluate(name, ensemble), by_torch(name, ensemble), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["direct", "four points a pass"])
@given(size=st.integers(1, 80), save_points=st.integers(2, 12), threads=st.integers(1, 4), chunk=st.integers(1, 100))
@example(size=1, save_points=2, threads=4, chunk=1)
@example(size=80, save_points=12, threads=3, chunk=16)
@settings(max_examples=30)
def test_chunks_threads_and_horizon_change_nothing_but_rounding(name, size, save_points, threads, chunk):
    whole = evaluate(name, ensemble_of(size), 12, chunk=size)
    found = evaluate(name, ensemble_of(size), save_points, threads, chunk)
    np.testing.assert_allclose(found, whole[:save_points], rtol=0, atol=2e-6)


def test_chunks_that_are_measured_give_what_others_give():
    ensemble = ensemble_of(2 * CHUNKS[-1] + 5)
    expected = evaluate("iterative", ensemble, 4, chunk=777)
    np.testing.assert_allclose(evaluate("iterative", ensemble, 4, threads=2), expected, rtol=0, atol=2e-6)


def test_samples_stay_apart():
    ensemble = ensemble_of(1001)
    states = evaluate("iterative", ensemble, threads=2, chunk=100)
    order = np.random.default_rng(0).permutation(ensemble.size)
    shuffled = Ensemble(ensemble.u0[order], ensemble.w0[order], ensemble.i_app[order])
    found = evaluate("iterative", shuffled, threads=2, chunk=100)
    np.testing.assert_allclose(found, states[:, :, order], rtol=0, atol=1e-5)


@given(size=st.integers(1, 10_000), threads=st.integers(1, 9), chunk=st.integers(1, 20_000))
def test_samples_are_shared_out_evenly(size, threads, chunk):
    shares = share_out(size, threads, chunk)
    chunks = [part for share in shares for part in share]
    assert [part.start for part in chunks] == [0, *(part.stop for part in chunks[:-1])]
    assert chunks[-1].stop == size
    sizes = {part.stop - part.start for part in chunks}
    assert 1 <= min(sizes) <= max(sizes) <= min(chunk, min(sizes) + 1)
    assert len(shares) == min(size, threads)
    assert len({len(share) for share in shares}) == 1 or len(chunks) == size


def test_times_are_those_of_the_workload():
    ensemble = ensemble_of(9)
    workload = Workload(9, save_points=5, save_interval=2.0)
    execution = OnnxExecution(session_of("direct"), NETWORKS["direct"], workload, None)
    execution.upload(ensemble)
    execution.run()
    np.testing.assert_array_equal(execution.output()[1:], evaluate("direct", ensemble, 9)[2::2])


def test_an_execution_repeats_itself_and_keeps_its_output_until_the_next_run():
    first, second = ensemble_of(300), ensemble_of(301)[1:]
    execution = OnnxExecution(session_of("iterative"), NETWORKS["iterative"], Workload(300, threads=2), 64)
    execution.upload(first)
    execution.run()
    buffer = execution.output()
    states = buffer.copy()
    execution.upload(second)
    np.testing.assert_array_equal(buffer, states)
    execution.run()
    assert np.shares_memory(buffer, execution.output())
    np.testing.assert_array_equal(buffer[0], [second.u0, second.w0])
    execution.upload(first)
    execution.run()
    np.testing.assert_array_equal(execution.output(), states)
    execution.close()


def test_close_ends_the_threads():
    before = set(threading.enumerate())
    execution = OnnxExecution(session_of("direct"), NETWORKS["direct"], Workload(30, threads=3), None)
    execution.upload(ensemble_of(30))
    execution.run()
    own = set(threading.enumerate()) - before
    assert own
    execution.close()
    assert not any(thread.is_alive() for thread in own)


def test_the_runtime_prepares_in_silence(capfd):
    artifact, ensemble = artifact_of(NETWORKS["iterative state"]), ensemble_of(20)
    workload = Workload(20, threads=2)
    execution = OnnxRuntime(chunk=8).prepare(Family(), artifact, workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    np.testing.assert_array_equal(execution.output(), evaluate("iterative state", ensemble, threads=2, chunk=8))
    assert (execution.effective.device, execution.effective.precision) == ("cpu", "float32")
    execution.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_precisions_that_onnx_runtime_would_convert_are_refused(precision):
    with pytest.raises(Refused, match=f"precision {precision} is not supported; choose float32 or float64"):
        OnnxRuntime().prepare(Family(), artifact_of(NETWORKS["direct"]), Workload(10, precision=precision))


def test_a_module_of_its_own_kind_is_refused():
    class Own(NetworkModule):
        """It may compute anything."""

    artifact = artifact_of(NETWORKS["direct"])
    with pytest.raises(Refused, match="only a NetworkModule can be exported, not a Own; use the runtime torch"):
        OnnxRuntime().prepare(Family(Own.of(artifact)), artifact, Workload(10))


def test_a_function_that_onnx_lacks_is_refused(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "tanh", torch.special.bessel_j1)
    with pytest.raises(Refused, match=r"cannot export the network to ONNX \(.*bessel_j1.*\); use") as refusal:
        OnnxRuntime().prepare(Family(), artifact_of(NETWORKS["direct"]), Workload(10))
    assert "\n" not in str(refusal.value)


def test_another_provider_is_an_error(monkeypatch):
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda _: ["XnnpackExecutionProvider", "CPUExecutionProvider"]
    )
    with pytest.raises(Unavailable, match=r"computes with Xnnpack.*, CPUExecutionProvider, asked was CPUExec"):
        CpuSession(exported("iterative state"))


def test_the_chunk_is_an_option():
    assert build("ddnn-ort", OnnxRuntime, {"chunk": "256"}) == OnnxRuntime(chunk=256)
    with pytest.raises(FhnbenchError, match="chunk=0 must be positive"):
        build("ddnn-ort", OnnxRuntime, {"chunk": "0"})


def test_cost_is_the_nominal_one():
    artifact, workload = artifact_of(network_of((8, 4), ("relu", "tanh"), pass_points=20)), Workload(1000)
    cost = OnnxRuntime().cost(artifact, workload)
    assert cost == network_cost(artifact.network, workload)
    assert cost.operations == 1000 * 3 * (3 * 8 + 8 + 8 * 4 + 4 * 15 + 4 * 40 + 40)
    assert cost.bytes == 1000 * 4 * (3 + 2 * 51)
    double = network_cost(artifact.network, Workload(1000, precision="float64"))
    assert double.operations > cost.operations
    assert double.bytes == 2 * cost.bytes
