"""The runtime ``torch``: what the family's module gives, in every precision and chunk size."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest
import torch

from fhnbench import (
    Artifact,
    ArtifactMetadata,
    FhnbenchError,
    NetworkModule,
    Refused,
    TrainingRecord,
    Unavailable,
    Workload,
    check_trajectories,
    direct_network,
    iterative_network,
    standard_problem,
    typical_trajectories,
)
from fhnbench.training.networks import HIDDEN_ACTIVATIONS
from fhnbench_ddnn.family import DataDriven
from fhnbench_torch.runtime import Torch

PROBLEM = standard_problem("C", horizon=6.0)
TYPICAL = typical_trajectories(PROBLEM)


def artifact(network, seed=0) -> Artifact:
    module = NetworkModule(network, PROBLEM.save_points, 1.0, torch.Generator().manual_seed(seed))
    record = TrainingRecord("none", "none", seed, 0, 0, 0.0, 0.0)
    return module.artifact(ArtifactMetadata("ddnn", PROBLEM, network, record, {}))


NETWORKS = {
    "direct": direct_network(PROBLEM, (7, 5), ("tanh", "silu"), TYPICAL),
    "direct increment": direct_network(PROBLEM, (7,), ("sin",), TYPICAL, "increment"),
    "iterative": iterative_network(PROBLEM, (6, 6), ("tanh", "tanh"), TYPICAL),
    "iterative state": iterative_network(PROBLEM, (6,), ("softplus",), TYPICAL, "state"),
    "two points a pass": iterative_network(PROBLEM, (6,), ("sigmoid",), TYPICAL, pass_points=2),
    "four points a pass": iterative_network(PROBLEM, (6,), ("relu",), TYPICAL, pass_points=4),
    "trajectory": iterative_network(PROBLEM, (6,), ("tanh",), TYPICAL, pass_points=6),
}


def run(trained: Artifact, ensemble, precision="float32", **options):
    workload = Workload.of(PROBLEM, ensemble.size, precision)
    execution = Torch(**options).prepare(DataDriven(), trained, workload)
    given = ensemble.astype(workload.dtype)
    execution.upload(given)
    execution.run()
    execution.synchronize()
    return check_trajectories(execution.output().copy(), workload, given), execution


def by_hand(trained: Artifact, ensemble):
    """Evaluate a network as `Network` says, in NumPy and float64, one save point after another."""
    network = trained.network
    act = {
        "tanh": np.tanh,
        "silu": lambda x: x / (1 + np.exp(-x)),
        "relu": lambda x: np.maximum(x, 0),
        "sin": np.sin,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softplus": lambda x: np.log1p(np.exp(x)),
        "identity": lambda x: x,
    }

    def one_pass(t, u, w):
        values = {"t": np.full(ensemble.size, float(t)), "u": u, "w": w, "i_app": ensemble.i_app}
        x = np.stack([values[name] for name in network.inputs])
        x = (x - np.array(network.input_shift)[:, None]) / np.array(network.input_scale)[:, None]
        for weight, bias, name in zip(trained.weights, trained.biases, network.activations, strict=True):
            x = act[name](weight.astype(float) @ x + bias.astype(float)[:, None])
        x = x * np.array(network.output_scale)[:, None] + np.array(network.output_shift)[:, None]
        states = x.reshape(network.pass_points, 2, -1)
        return states + np.stack([u, w]) if network.output == "increment" else states

    states = [np.stack([ensemble.u0, ensemble.w0])]
    while len(states) < PROBLEM.save_points:
        start = states[0] if network.scheme == "direct" else states[-1]
        states.extend(one_pass(len(states), *start))
    return np.stack(states[: PROBLEM.save_points])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_it_computes_what_the_network_says(name, size):
    trained, ensemble = artifact(NETWORKS[name]), PROBLEM.sample(size, seed=2)
    expected = by_hand(trained, ensemble)
    np.testing.assert_allclose(run(trained, ensemble, "float64")[0], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(run(trained, ensemble)[0], expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_every_activation(activation):
    trained = artifact(direct_network(PROBLEM, (5,), (activation,), TYPICAL))
    ensemble = PROBLEM.sample(20, seed=2)
    np.testing.assert_allclose(run(trained, ensemble)[0], by_hand(trained, ensemble), rtol=0, atol=2e-5)


@pytest.mark.parametrize("chunk", [1, 3, 10, 64])
def test_chunks_change_nothing_but_rounding(chunk):
    trained, ensemble = artifact(NETWORKS["direct"]), PROBLEM.sample(10, seed=2)
    whole = run(trained, ensemble, chunk=4096)[0]
    np.testing.assert_allclose(run(trained, ensemble, chunk=chunk)[0], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["direct", "iterative"])
def test_low_precision_is_what_computes(precision, name):
    trained, ensemble = artifact(NETWORKS[name]), PROBLEM.sample(50, seed=2)
    states, execution = run(trained, ensemble, precision)
    assert execution.effective.precision == precision
    error = np.abs(states - by_hand(trained, ensemble)).mean()
    unit = float(torch.finfo(getattr(torch, precision)).eps)
    assert unit / 100 < error < 10 * unit


def test_the_output_buffer_is_reused():
    trained = artifact(NETWORKS["iterative"])
    workload = Workload.of(PROBLEM, 9)
    execution = Torch().prepare(DataDriven(), trained, workload)
    first, second = (PROBLEM.sample(9, seed=seed).astype(np.float32) for seed in (1, 2))
    execution.upload(first)
    execution.run()
    buffer = execution.output()
    before = buffer.copy()
    execution.upload(second)
    np.testing.assert_array_equal(buffer, before)
    execution.run()
    assert np.shares_memory(buffer, execution.output())
    np.testing.assert_array_equal(buffer[0, 0], second.u0)


def test_threads_are_those_of_the_workload():
    before = torch.get_num_threads()
    try:
        Torch().prepare(DataDriven(), artifact(NETWORKS["direct"]), Workload.of(PROBLEM, 4, threads=3))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def unavailable(runtime=None, artifact_=None):
    """Return what a user is told whose torch cannot do what is asked."""
    with pytest.raises((Unavailable, Refused)) as raised:
        (runtime or Torch(device="cuda")).prepare(
            DataDriven(), artifact_ or artifact(NETWORKS["direct"]), Workload.of(PROBLEM, 4)
        )
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_build_without_cuda_is_told(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert unavailable().startswith(f"torch {torch.__version__} is built without CUDA; install a build with CUDA")


def test_a_missing_device_is_told(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert unavailable() == "torch finds no CUDA device; check nvidia-smi, or use device=cpu"


def test_a_driver_that_is_too_old_is_told_in_its_own_words(monkeypatch):
    def warns():
        warnings.warn(
            "CUDA initialization: The NVIDIA driver is too old\n(found version 11040). Update it.", stacklevel=1
        )
        return False

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", warns)
    told = "CUDA initialization: The NVIDIA driver is too old (found version 11040)"
    assert unavailable() == f"torch finds no CUDA device ({told}); check nvidia-smi, or use device=cpu"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("Tried to allocate 80 GiB"), "out of device memory; take fewer samples"),
        (torch.AcceleratorError("no kernel image is available for execution"), "torch has no kernels for this GPU"),
    ],
)
def test_errors_of_a_device_are_told_in_one_line(monkeypatch, error, message):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(Torch, "_execution", fails)
    assert unavailable(Torch()).startswith(message)


def test_other_errors_keep_their_traceback(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Torch, "_execution", fails)
    with pytest.raises(RuntimeError, match="a bug"):
        Torch().prepare(DataDriven(), artifact(NETWORKS["direct"]), Workload.of(PROBLEM, 4))


@pytest.mark.parametrize("option", ["graph", "tf32"])
def test_options_of_cuda_are_refused_on_a_cpu(option):
    with pytest.raises(FhnbenchError, match=f"{option}=true needs device=cuda"):
        Torch(**{option: True})


def test_tf32_goes_with_float32():
    with pytest.raises(Refused, match="tf32=true goes with precision float32, not with float16"):
        Torch(device="cuda", tf32=True).prepare(None, None, Workload.of(PROBLEM, 4, "float16"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_it_computes_the_same():
    trained, ensemble = artifact(NETWORKS["direct"]), PROBLEM.sample(40, seed=2)
    found = run(trained, ensemble, chunk=16, compile=True)[0]
    np.testing.assert_allclose(found, by_hand(trained, ensemble), rtol=0, atol=2e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_missing_compiler_is_told(monkeypatch):
    import torch._inductor.config

    torch._dynamo.reset()
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("no-such-compiler",))
    monkeypatch.setattr(torch._inductor.config, "force_disable_caches", True)
    assert unavailable(Torch(compile=True)).startswith("torch.compile failed (")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
@pytest.mark.parametrize("name", ["direct", "iterative", "four points a pass"])
@pytest.mark.parametrize("options", [{}, {"graph": True}, {"chunk": 64}, {"chunk": 64, "graph": True}])
def test_on_cuda_it_computes_what_the_network_says(name, options):
    trained, ensemble = artifact(NETWORKS[name]), PROBLEM.sample(150, seed=2)
    states, execution = run(trained, ensemble, device="cuda", **options)
    np.testing.assert_allclose(states, by_hand(trained, ensemble), rtol=0, atol=2e-5)
    assert execution.effective.device == torch.cuda.get_device_name(0)
    execution.close()


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(FhnbenchError, match="chunk=0 must be positive"):
        Torch(chunk=0)


def test_cost_counts_the_passes():
    workload = Workload.of(PROBLEM, 10)
    direct = Torch().cost(artifact(NETWORKS["direct"]), workload)
    assert direct.bytes == 10 * (3 + 2 * 7) * 4
    assert direct.operations > 10 * 6 * NETWORKS["direct"].multiply_adds
