"""The runtime ``torch``: what the family's module gives, in every precision and chunk size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fhnbench import (
    Artifact,
    ArtifactMetadata,
    FhnbenchError,
    NetworkModule,
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


def test_a_missing_device_is_refused():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(Unavailable, match="no CUDA device"):
        Torch(device="cuda").prepare(DataDriven(), artifact(NETWORKS["direct"]), Workload.of(PROBLEM, 4))


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(FhnbenchError, match="chunk=0 must be positive"):
        Torch(chunk=0)


def test_cost_counts_the_passes():
    workload = Workload.of(PROBLEM, 10)
    direct = Torch().cost(artifact(NETWORKS["direct"]), workload)
    assert direct.bytes == 10 * (3 + 2 * 7) * 4
    assert direct.operations > 10 * 6 * NETWORKS["direct"].multiply_adds
