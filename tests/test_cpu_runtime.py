"""The runtime ``cpu``: what it computes, how exactly, and what it says it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba.core import types
from numba.extending import intrinsic

from fhnbench import (
    Artifact,
    Ensemble,
    Network,
    NetworkModule,
    Refused,
    Workload,
    check_trajectories,
    standard_problem,
)
from fhnbench.plugins.cost import ACTIVATION_OPERATIONS
from fhnbench_cpu.activations import activate
from fhnbench_cpu.network_kernel import count_operations, tile_for
from fhnbench_cpu.network_plan import Plan
from fhnbench_cpu.network_vectors import FORMATS, Emitter, Pointer, size
from fhnbench_cpu.runtime import CpuRuntime
from networks import artifact_of, network_of

BLOCK = tile_for("float32").block_size

FUNCTIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
    "sin": np.sin,
}


def ensemble_of(samples: int, dtype: Any = np.float32) -> Ensemble:
    return standard_problem("C").sample(samples, seed=samples).astype(dtype)


def evaluate(artifact: Artifact, ensemble: Ensemble, save_points: int = 51, threads: int = 1) -> np.ndarray:
    """Return the trajectories that the runtime gives, checked against the contract."""
    workload = Workload(ensemble.size, save_points, precision=ensemble.u0.dtype.name, threads=threads)
    execution = CpuRuntime().prepare(None, artifact, workload)
    execution.upload(ensemble)
    execution.run()
    return check_trajectories(execution.output(), workload, ensemble)


def oracle(artifact: Artifact, ensemble: Ensemble, save_points: int = 51, dtype: Any = np.float64) -> np.ndarray:
    """Return the trajectories as the documentation of `Network` defines them, computed with NumPy."""
    network = artifact.network
    shift, scale, out_shift, out_scale = (
        np.array(getattr(network, name), dtype)[:, None]
        for name in ("input_shift", "input_scale", "output_shift", "output_scale")
    )
    current = ensemble.i_app.astype(dtype)
    states = [np.stack([ensemble.u0, ensemble.w0]).astype(dtype)]
    while len(states) < save_points:
        begin = states[0] if network.scheme == "direct" else states[-1]
        named = {"t": np.full_like(current, len(states)), "u": begin[0], "w": begin[1], "i_app": current}
        x = (np.stack([named[name] for name in network.inputs]) - shift) / scale
        for weight, bias, name in zip(artifact.weights, artifact.biases, network.activations, strict=True):
            x = FUNCTIONS[name](weight.astype(dtype) @ x + bias.astype(dtype)[:, None])
        outputs = (x * out_scale + out_shift).reshape(network.pass_points, 2, -1)
        states.extend(outputs + begin if network.output == "increment" else outputs)
    return np.stack(states[:save_points])


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw any network: scheme, order of inputs, widths, activations, normalisation."""
    scheme = draw(st.sampled_from(["direct", "iterative"]))
    fixed = ["t"] if scheme == "direct" else ["u", "w"]
    others = draw(st.sets(st.sampled_from(["u", "w", "i_app"] if scheme == "direct" else ["i_app"])))
    inputs = draw(st.permutations([*fixed, *sorted(others)]))
    pass_points = draw(st.integers(1, 5)) if scheme == "iterative" else 1
    hidden = draw(st.lists(st.integers(1, 20), max_size=3))
    activations = draw(st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=len(hidden) + 1, max_size=len(hidden) + 1))
    widths = (len(inputs), *hidden, 2 * pass_points)
    shifts, scales = st.floats(-1, 1, width=32), st.floats(0.5, 2, width=32) | st.floats(-2, -0.5, width=32)
    normalisation = [
        tuple(draw(st.lists(numbers, min_size=width, max_size=width)))
        for width in (widths[0], widths[-1])
        for numbers in (shifts, scales)
    ]
    return Network(
        tuple(inputs), widths, tuple(activations), scheme, *normalisation,
        output=draw(st.sampled_from(["state", "increment"])), pass_points=pass_points,
    )  # fmt: skip


@settings(max_examples=5)
@example(network_of((300, 257, 1), "silu", "direct", "state"), "float32", 5, BLOCK + 1)
@example(network_of((16, 16), "tanh", pass_points=25), "float32", 31, 2 * BLOCK)
@example(network_of((31, 9), "tanh", pass_points=7), "float64", 31, 7)
@given(networks(), st.sampled_from(["float32", "float64"]), st.integers(2, 9), st.integers(1, 3 * BLOCK))
def test_agrees_with_numpy(network: Network, precision: str, save_points: int, samples: int) -> None:
    artifact, ensemble = artifact_of(network), ensemble_of(samples, precision)
    expected = oracle(artifact, ensemble, save_points)
    rounded = oracle(artifact, ensemble, save_points, precision)
    # float32 rounds; how much that matters depends on the network, and NumPy's own float32 tells.
    own = abs(rounded - expected).max() if precision == "float32" else 0.0
    slack = 40 * np.finfo(precision).eps * abs(expected).max()
    if precision == "float64":
        slack *= 10  # the oracle rounds as well
    assert abs(evaluate(artifact, ensemble, save_points) - expected).max() <= 3 * own + slack


@pytest.mark.parametrize("scheme", ["direct", "iterative"])
def test_rounds_like_torch(scheme: str) -> None:
    activations = ("tanh", "silu", "sin", "sigmoid", "softplus")
    network = network_of((16,) * 5, activations, scheme, "state" if scheme == "direct" else "increment")
    artifact, ensemble = artifact_of(network), ensemble_of(500)
    expected = oracle(artifact, ensemble)
    with torch.inference_mode():
        inputs = (torch.from_numpy(getattr(ensemble, name)) for name in ("u0", "w0", "i_app"))
        by_torch = NetworkModule.of(artifact)(*inputs).numpy()

    def error(states: np.ndarray) -> float:
        return float(np.sqrt(np.mean((states - expected) ** 2)))

    assert error(by_torch) > 0
    assert error(evaluate(artifact, ensemble)) <= 2 * error(by_torch)


def test_sample_depends_on_nothing_but_itself() -> None:
    # Odd widths: some neurons share a division and some do not.
    artifact = artifact_of(network_of((7, 11), "tanh"))
    ensemble = ensemble_of(10 * BLOCK + 5)
    states = evaluate(artifact, ensemble)
    np.testing.assert_array_equal(evaluate(artifact, ensemble), states)
    np.testing.assert_array_equal(evaluate(artifact, ensemble, threads=min(2, numba.config.NUMBA_NUM_THREADS)), states)
    order = np.random.default_rng(0).permutation(ensemble.size)
    shuffled = Ensemble(ensemble.u0[order], ensemble.w0[order], ensemble.i_app[order])
    np.testing.assert_array_equal(evaluate(artifact, shuffled), states[..., order])
    for part in (slice(0, 1), slice(3, 10), slice(1, BLOCK), slice(5, 5 + BLOCK), slice(2, 2 * BLOCK), slice(64, 128)):
        np.testing.assert_array_equal(evaluate(artifact, ensemble[part]), states[..., part])


@pytest.mark.parametrize("network", [network_of(), network_of(scheme="direct"), network_of(pass_points=4)])
def test_longer_trajectories_begin_alike(network: Network) -> None:
    artifact, ensemble = artifact_of(network), ensemble_of(BLOCK + 3)
    states = evaluate(artifact, ensemble, save_points=12)
    for save_points in (2, 5, 6, 11):
        np.testing.assert_array_equal(evaluate(artifact, ensemble, save_points), states[:save_points])


def test_times_are_those_of_the_workload() -> None:
    artifact, ensemble = artifact_of(network_of(scheme="direct", output="state")), ensemble_of(9)
    workload = Workload(9, save_points=5, save_interval=2.0)
    execution = CpuRuntime().prepare(None, artifact, workload)
    execution.upload(ensemble)
    execution.run()
    np.testing.assert_array_equal(execution.output()[1:], evaluate(artifact, ensemble, save_points=9)[2::2])


def test_networks_that_differ_in_normalisation_share_code() -> None:
    one = network_of()
    other = Network(**{name: getattr(one, name) for name in one.__struct_fields__} | {"input_shift": (0.0, 0.0, 9.0)})
    assert one != other
    assert Plan.of(one, "float32", tile_for("float32")) == Plan.of(other, "float32", tile_for("float32"))


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_refuses_half_precision(precision: str) -> None:
    with pytest.raises(Refused, match=f"precision {precision} is not supported; choose float32 or float64"):
        CpuRuntime().prepare(None, artifact_of(network_of()), Workload(10, precision=precision))


def test_refuses_more_threads_than_there_are() -> None:
    with pytest.raises(Refused, match="1000 threads asked for"):
        CpuRuntime().prepare(None, artifact_of(network_of()), Workload(10, threads=1000))


def test_cost_is_what_is_executed() -> None:
    workload = Workload(1000, save_points=51)
    cost = CpuRuntime().cost(artifact_of(network_of((8, 8), "relu")), workload)
    # The first layer's sum over i_app is made once; increments are added to two states.
    assert cost.operations == 1000 * (8 + 50 * (2 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2))
    assert cost.bytes == 1000 * 4 * (3 + 51 * 2)
    direct = CpuRuntime().cost(artifact_of(network_of((8,), "relu", "direct", "state")), workload)
    assert direct.operations == 1000 * (3 * 8 + 50 * (8 + 8 + 8 * 2))
    chunks = CpuRuntime().cost(artifact_of(network_of((8,), "relu", output="state", pass_points=20)), workload)
    assert chunks.operations == 1000 * (8 + 3 * (2 * 8 + 8 + 8 * 40))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("activation", sorted(ACTIVATION_OPERATIONS))
def test_activations_cost_what_other_runtimes_declare(activation: str, precision: str) -> None:
    plans = [
        Plan.of(network_of((8,), name, output="state"), precision, tile_for(precision))
        for name in (activation, "identity")
    ]
    (_, with_it), (_, without) = map(count_operations, plans)
    assert (with_it - without) / 8 == ACTIVATION_OPERATIONS[activation][precision == "float64"]


@intrinsic(prefer_literal=True)
def _apply(_context: Any, what: Any, x: Any, y: Any) -> Any:
    """Write the activation of `x` to `y`, by three vectors at a time; `what` is "activation element lanes"."""
    name, element, lanes = what.literal_value.split()

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emitter = Emitter(builder, element, int(lanes))
        arrays = [target.make_array(signature.args[k])(target, builder, arguments[k]) for k in (1, 2)]
        source, result = (Pointer(emitter, array.data, FORMATS[element].bits // 8) for array in arrays)
        at_once = 3 * int(lanes)
        for index in emitter.repeat(builder.sdiv(builder.extract_value(arrays[0].shape, 0), size(at_once))):
            vectors = [source.at(index, at_once).at(number, int(lanes)).load() for number in range(3)]
            for number, vector in enumerate(activate(name, vectors)):
                result.at(index, at_once).at(number, int(lanes)).store(vector)
        return target.get_dummy_value()

    return types.void(what, x, y), generate


def apply(activation: str, x: np.ndarray, lanes: int = 4) -> np.ndarray:
    what = f"{activation} {x.dtype} {lanes}"
    padded = np.append(x, np.zeros(-x.size % (3 * lanes), x.dtype))
    result = np.full_like(padded, np.nan)

    @numba.njit
    def run(x, y):
        _apply(what, x, y)

    run(padded, result)
    return result[: x.size]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "largest", "places"),
    [("relu", 100, 0), ("tanh", 30, 4), ("sigmoid", 40, 8), ("silu", 40, 8), ("softplus", 40, 8), ("sin", 1e4, 2)],
)
def test_activation_is_right_to_a_few_last_places(
    activation: str, largest: float, places: float, precision: str
) -> None:
    small = np.logspace(-9, np.log10(largest), 20_000)
    x = np.concatenate([np.linspace(-largest, largest, 20_001), small, -small]).astype(precision)
    exact = FUNCTIONS[activation](x.astype(np.longdouble))
    error = abs(apply(activation, x) - exact)
    # Close to multiples of pi, sin is right to a few last places of its argument's remainder, not of itself.
    assert (error <= places * np.finfo(precision).eps * abs(exact) + 5e-15 * abs(x) * (activation == "sin")).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "silu", "softplus"])
def test_activation_of_anything_is_right(activation: str, precision: str) -> None:
    far = np.array([50, 90, 400, 800, 1e5, 1e10, 1e30], precision)
    # Neighbours share a division: each number beside each other.
    left, right = np.meshgrid(np.concatenate([far, -far, [0.0, 1.0]]), np.concatenate([far, -far, [0.0, 1.0]]))
    x = np.stack([left.ravel(), right.ravel()], axis=-1).ravel().astype(precision)
    lanes = np.repeat(x.reshape(-1, 2), 4, axis=0).reshape(-1, 4, 2).swapaxes(1, 2)  # pair after pair, as vectors of 4
    batch = np.concatenate([lanes, np.ones_like(lanes[:, :1])], axis=1).ravel()
    with np.errstate(over="ignore"):
        exact = FUNCTIONS[activation](batch.astype(np.longdouble))
    np.testing.assert_allclose(apply(activation, batch), exact, rtol=8 * np.finfo(precision).eps, atol=1e-15)


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_activation_of_not_a_number_is_none(activation: str) -> None:
    x = np.tile(np.array([0.5, np.nan, -0.5, 1.0], np.float32), 3)
    np.testing.assert_array_equal(np.isnan(apply(activation, x)), np.isnan(x))


def test_compiled_code_is_found_by_the_next_process(tmp_path: Any) -> None:
    script = """if True:
        import sys
        import numpy as np
        from fhnbench import Network, aligned_full
        from fhnbench_cpu.network_kernel import compile_kernel, tile_for
        from fhnbench_cpu.network_plan import Plan
        network = Network(("t",), (1, 2), ("sin",), "direct", (0.0,), (1.0,), (0.0, 0.0), (1.0, 1.0))
        plan = Plan.of(network, "float32", tile_for("float32"))
        kernel, size = compile_kernel(plan), plan.tile.block_size
        shapes = (9,), (3,), (size,), (size,), (size,), (3, 2, size), (1, plan.thread_memory)
        arrays = [aligned_full(shape, 0, np.float32) for shape in shapes]
        kernel(tuple(arrays[:2]), tuple(arrays[2:5]), arrays[5], arrays[6], True)
        print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()), "torch" in sys.modules)
    """
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        ).stdout.split()
        for _ in range(2)
    ]
    assert outputs == [["0", "1", "False"], ["1", "0", "False"]]
