"""The runtime ``cuda`` on an emulated GPU: what it computes, in which precision, and what it refuses.

The kernels are those that NVRTC compiles. Their special functions err as much as the hardware's may, and tensor cores
are emulated by the fragments of the PTX ISA (tests/cuda_emulation/fragments_on_host.h).
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import ml_dtypes
import msgspec
import numpy as np
import pytest
import torch

import cuda_emulation
from fhnbench import (
    Artifact,
    Ensemble,
    Network,
    NetworkModule,
    Output,
    Refused,
    Workload,
    check_output,
    features_of,
    load_artifact,
)
from fhnbench_cpu.runtime import CpuRuntime
from fhnbench_cuda.network_cost import ACTIVATIONS, cost_of
from fhnbench_cuda.network_kernels import BlockKernel, TensorKernel, ThreadKernel, kernel_for, program_of
from fhnbench_cuda.runtime import CudaRuntime
from networks import NETWORKS, artifact_of, network_of
from test_cpu_runtime import ensemble_of, oracle

HALVES: dict[str, Any] = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
PLUGINS = Path(__file__).parents[1] / "plugins"
H100 = (227 * 1024, "sm_90")


KINDS = NETWORKS | {
    "paper": network_of((16, 16)),
    "odd widths": network_of((13, 9, 5), ("silu", "sin", "sigmoid"), "direct", "state"),
    "five points a pass": network_of((6, 11), ("softplus", "relu"), pass_points=5),
    "scaled silu": msgspec.structs.replace(network_of((1,), pass_points=3), activations=("identity", "silu")),
    "no hidden layer": network_of(()),
    "order of inputs": msgspec.structs.replace(network_of((5,)), inputs=("i_app", "w", "u")),
    "wide": network_of((101, 40, 17), ("tanh", "silu", "sin"), "direct"),
    "wide, seven points a pass": network_of((33, 130), ("sigmoid", "softplus"), pass_points=7),
}

TOLERANCES = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 0.15}
"""The mean distance of trajectories to those of the cpu runtime that plugins/README.md promises of trained networks."""
TRAINED = ("B-8x8-tanh", "C-8x8-tanh")

CASES = [
    *itertools.product(("float32", "float64", "float16"), KINDS),
    *itertools.product(("bfloat16",), ("iterative", "direct", "five points a pass", "wide")),
]
exact = [case for case in CASES if case[0] not in HALVES]
halves = [case for case in CASES if case[0] in HALVES]
in_threads = [
    (precision, name)
    for precision, name in exact
    if isinstance(kernel_for(artifact_of(KINDS[name]), precision, *H100), ThreadKernel)
]

pytestmark = pytest.mark.usefixtures("emulated_gpu")


def kernels() -> list[ThreadKernel | BlockKernel | TensorKernel]:
    """Return the kernels of all tests here."""
    cases = [(artifact_of(KINDS[name]), precision) for precision, name in CASES]
    cases += itertools.product(map(trained, TRAINED), TOLERANCES)
    return [kernel_for(artifact, precision, *H100) for artifact, precision in cases]


def trained(name: str) -> Artifact:
    return load_artifact(PLUGINS / f"fhnbench_itnn/artifacts/{name}.safetensors")


@pytest.fixture(autouse=True, scope="module")
def _compile_together() -> None:
    if not cuda_emulation.missing():
        programs = [program_of(kernel) for kernel in kernels()]
        programs += [program_of(kernel, "features") for kernel in kernels() if isinstance(kernel, ThreadKernel)]
        for file in {program.file for program in programs}:
            cuda_emulation.compile_together(program for program in programs if program.file == file)


def evaluate(
    artifact: Artifact,
    ensemble: Ensemble,
    precision: str,
    save_points: int = 12,
    output: Output = "trajectories",
) -> np.ndarray:
    """Return a copy of the output, checked against the contract."""
    workload = Workload(ensemble.size, save_points, precision=precision, output=output)
    execution = CudaRuntime().prepare(None, artifact, workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    output_array = check_output(execution.output(), workload, ensemble).copy()
    assert execution.effective.precision == precision
    execution.close()
    return output_array


def rounded_oracle(artifact: Artifact, ensemble: Ensemble, save_points: int, precision: str) -> np.ndarray:
    """Return the trajectories of a network whose weights and activations are rounded to 16 bits, and nothing else."""

    def half(x: np.ndarray) -> np.ndarray:
        return x.astype(HALVES[precision]).astype(np.float32)

    rounded = Artifact.of_layers(artifact.metadata, [half(weight) for weight in artifact.weights], artifact.biases)
    return oracle(rounded, ensemble, save_points)


def sampled(size: int, precision: str) -> Ensemble:
    return ensemble_of(size, Workload(1, precision=precision).dtype)


def test_every_kernel_is_tried() -> None:
    chosen = kernels()
    in_full = {(type(kernel), kernel.real) for kernel in chosen if not isinstance(kernel, TensorKernel)}
    assert in_full == set(itertools.product((ThreadKernel, BlockKernel), ("float32", "float64")))
    tensor = {(kernel.rows, kernel.resident) for kernel in chosen if isinstance(kernel, TensorKernel)}
    assert tensor == {(1, False), (2, False), (2, True)}
    assert {name for kernel in chosen for name in kernel.network.activations} == set(ACTIVATIONS)


@pytest.mark.parametrize(("precision", "name"), exact)
def test_agrees_with_numpy(precision: str, name: str) -> None:
    artifact, ensemble = artifact_of(KINDS[name]), sampled(150, precision)
    expected, rounded = (oracle(artifact, ensemble, 12, dtype) for dtype in (np.float64, precision))
    own = abs(rounded - expected).max() if precision == "float32" else 0.0
    slack = 10 * np.finfo(precision).eps * abs(expected).max()
    assert abs(evaluate(artifact, ensemble, precision) - expected).max() <= 3 * own + slack


@pytest.mark.parametrize(("precision", "name"), in_threads)
def test_features_are_those_of_the_trajectories(precision: str, name: str) -> None:
    artifact, ensemble = artifact_of(KINDS[name]), sampled(150, precision)
    for save_points in (2, 12):
        found = evaluate(artifact, ensemble, precision, save_points, "features")
        states = evaluate(artifact, ensemble, precision, save_points)
        expected = features_of(states, Workload(1, save_points).times)
        np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(precision).eps)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_features_of_a_trained_network_are_those_of_the_cpu(precision: str) -> None:
    artifact = trained("C-8x8-tanh")
    ensemble = artifact.metadata.problem.sample(60, seed=1).astype(precision)
    workload = Workload(60, precision=precision, output="features")
    on_cpu = CpuRuntime().prepare(None, artifact, workload)
    on_cpu.upload(ensemble)
    on_cpu.run()
    expected = on_cpu.output()
    assert expected[0].sum() > 30
    found = evaluate(artifact, ensemble, precision, 51, "features")
    assert np.median(abs(found - expected)) < 10 * np.finfo(precision).eps
    np.testing.assert_allclose(found, expected, rtol=0, atol={"float32": 1e-3, "float64": 1e-6}[precision])


@pytest.mark.parametrize(("name", "precision"), [("wide", "float32"), ("paper", "float16")])
def test_features_are_refused_where_no_thread_has_a_whole_sample(name: str, precision: str) -> None:
    with pytest.raises(Refused, match="output=features goes with float32 and float64, and networks that fit into"):
        evaluate(artifact_of(KINDS[name]), sampled(3, precision), precision, output="features")


@pytest.mark.parametrize(("precision", "name"), halves)
def test_tensor_cores_err_as_their_numbers_do(precision: str, name: str) -> None:
    artifact, ensemble = artifact_of(KINDS[name]), sampled(45, precision)
    expected = oracle(artifact, ensemble, 12)
    error = abs(evaluate(artifact, ensemble, precision) - expected)
    eps = float(ml_dtypes.finfo(HALVES[precision]).eps)
    own = abs(rounded_oracle(artifact, ensemble, 12, precision) - expected)
    assert error[1:].max() > 0
    assert error.max() <= 3 * own.max() + 2 * eps * abs(expected).max()
    assert error.mean() <= 2 * own.mean() + eps / 2 * abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(256, 256), (2, 255), (129, 1, 31), (64, 64, 64)], ids=str)
@pytest.mark.parametrize(("scheme", "pass_points"), [("direct", 1), ("iterative", 128)])
@pytest.mark.parametrize("precision", ["float32", "float64", "float16", "bfloat16"])
def test_widest_networks_agree(precision: str, scheme: str, pass_points: int, hidden: tuple[int, ...]) -> None:
    artifact = artifact_of(network_of(hidden, "tanh", scheme, pass_points=pass_points))
    ensemble = sampled(45, precision)
    expected = oracle(artifact, ensemble, 6)
    eps = float(ml_dtypes.finfo(HALVES.get(precision, precision)).eps)
    assert abs(evaluate(artifact, ensemble, precision, 6) - expected).max() <= 50 * eps


@pytest.mark.parametrize("name", ["paper", "odd widths", "five points a pass", "wide"])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_sample_depends_on_nothing_but_itself(precision: str, name: str) -> None:
    artifact, ensemble = artifact_of(KINDS[name]), sampled(150, precision)
    states = evaluate(artifact, ensemble, precision, save_points=4)
    for part in (slice(0, 1), slice(3, 10), slice(1, 34), slice(5, 134), slice(149, 150)):
        np.testing.assert_array_equal(evaluate(artifact, ensemble[part], precision, 4), states[..., part])
    longer = evaluate(artifact, ensemble[:9], precision, save_points=9)
    for save_points in (2, 3, 6, 7):
        shorter = evaluate(artifact, ensemble[:9], precision, save_points)
        np.testing.assert_array_equal(shorter, longer[:save_points])


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_times_are_those_of_the_workload(precision: str) -> None:
    artifact, ensemble = artifact_of(KINDS["odd widths"]), sampled(9, precision)
    execution = CudaRuntime().prepare(None, artifact, Workload(9, 5, save_interval=2.0, precision=precision))
    execution.upload(ensemble)
    execution.run()
    np.testing.assert_array_equal(execution.output()[1:], evaluate(artifact, ensemble, precision, 9)[2::2])


def test_rounds_like_torch() -> None:
    artifact, ensemble = artifact_of(KINDS["iterative"]), sampled(500, "float32")
    expected = oracle(artifact, ensemble)
    with torch.inference_mode():
        inputs = (torch.from_numpy(getattr(ensemble, name)) for name in ("u0", "w0", "i_app"))
        by_torch = NetworkModule.of(artifact)(*inputs).numpy()
    states = evaluate(artifact, ensemble, "float32", save_points=51)

    def error(of: np.ndarray) -> float:
        return float(np.sqrt(np.mean((of - expected) ** 2)))

    assert 0 < error(states) <= 2 * error(by_torch)


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_stay_close_to_the_cpu(name: str, precision: str) -> None:
    artifact = trained(name)
    ensemble = artifact.metadata.problem.sample(60, seed=1).astype(np.float32)
    on_cpu = CpuRuntime().prepare(None, artifact, Workload(60))
    on_cpu.upload(ensemble)
    on_cpu.run()
    distance = abs(evaluate(artifact, ensemble, precision, save_points=51) - on_cpu.output()).mean()
    assert TOLERANCES[precision] / 1000 < distance < TOLERANCES[precision]


def test_cost_is_what_bounds() -> None:
    workload = Workload(1000, save_points=51)
    network = artifact_of(KINDS["paper"])
    products = 2 * 16 + 16 * 16 + 16 * 2
    special, all_operations = 2 * 32, products + 18 + 2 + 4 * 32
    cost = CudaRuntime().cost(network, workload)
    assert cost.operations == 1000 * (16 + 50 * max(8 * special, all_operations))
    assert cost.bytes == 1000 * 4 * (3 + 51 * 2)
    # In 16 bits, multiply-adds of tensor cores: as many as fit beside 32 special functions.
    half = Workload(1000, save_points=51, precision="float16")
    assert CudaRuntime().cost(network, half).operations == 1000 * 50 * 64 * 32
    assert cost_of(network, half, "sm_89").operations == 1000 * 50 * 16 * 32
    linear = artifact_of(network_of((16, 16), "relu"))
    assert cost_of(linear, half, "sm_90").operations == 1000 * 50 * (8 * 16 + 16 * 16 + 16 * 8)
    relu = CudaRuntime().cost(artifact_of(network_of((16, 16), "relu")), workload)
    assert relu.operations == 1000 * (16 + 50 * (products + 18 + 2 + 32))


@pytest.mark.parametrize(
    ("network", "precision", "device", "message"),
    [
        (network_of((300,)), "float32", H100, "a layer of width 300 is not supported; at most 256"),
        (network_of((8,), pass_points=129), "float16", H100, "a layer of width 258 is not supported"),
        (network_of((8,), "gelu"), "float32", H100, "activation gelu is not supported; there are identity, relu, tanh"),
        (network_of((8,)), "bfloat16", (64 * 1024, "sm_75"), "tensor cores of sm_75 have no bfloat16; take precision="),
        (
            network_of((256, 8)),
            "float64",
            (64 * 1024, "sm_75"),
            "needs 65 KiB of shared memory, a block of",
        ),
    ],
)
def test_refuses_in_one_line(network: Network, precision: str, device: tuple[int, str], message: str) -> None:
    with pytest.raises(Refused, match=message) as raised:
        kernel_for(artifact_of(network), precision, *device)
    assert "\n" not in str(raised.value)


def test_refuses_weights_that_float16_cannot_hold() -> None:
    artifact = artifact_of(network_of((8,)))
    artifact.tensors["layers.0.weight"][0, 0] = 7e4
    with pytest.raises(Refused, match=r"a weight of 7e\+04 is beyond float16; take bfloat16 or float32"):
        evaluate(artifact, sampled(3, "float16"), "float16")


def test_takes_less_shared_memory_where_there_is_less() -> None:
    artifact = artifact_of(network_of((256, 256)))
    samples = [kernel_for(artifact, "float32", kib * 1024, "sm_90").samples for kib in (300, 227, 99, 64)]
    assert samples == [64, 32, 16, 16]
