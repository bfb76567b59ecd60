"""The machine code of the network kernels, which needs no GPU: that it exists for each, and what it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cuda_emulation
from fhnbench import Network, Output, Refused, load_artifact
from fhnbench_cuda.compiler import Binary, compile_program
from fhnbench_cuda.network_cost import SPECIAL, count_float32, count_half
from fhnbench_cuda.network_fragments import half_bits, right_fragments
from fhnbench_cuda.network_kernels import BlockKernel, NetworkKernel, TensorKernel, ThreadKernel, kernel_for, program_of
from fhnbench_cuda.network_plan import fold
from machine_code import longest_loop
from networks import artifact_of, network_of

pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-core")

PLUGINS = Path(__file__).parents[1] / "plugins"
NETWORKS = [
    path
    for path in sorted(PLUGINS.glob("*/artifacts/*.safetensors"))
    if isinstance(load_artifact(path).structure, Network)
]
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
H100 = 227 * 1024
SHARED_MEMORY = {"sm_75": 64 * 1024, "sm_90": H100, "sm_120": 99 * 1024}
"""What a block can have, in bytes."""
SPILLED = {"float32": 0, "float64": 48, "float16": 48, "bfloat16": 48}
"""Bytes of registers that a thread may keep in local memory, written once and read once: the compiler does so in few
kernels of some architectures, of float64 (whose numbers take two registers each) and of the tensor cores."""
EVERY_ACTIVATION = network_of((3,) * 6, ("tanh", "silu", "relu", "sin", "sigmoid", "softplus"), "direct", "state")
SAVE_POINTS = network_of((3,), "identity", pass_points=5)


def variants(arch: str) -> list[NetworkKernel]:
    """Return kernels that differ in all that the templates distinguish."""
    in_registers = [
        kernel_for(artifact_of(network), precision, H100, arch)
        for precision in ("float32", "float64", "float16")
        for network in (EVERY_ACTIVATION, SAVE_POINTS)
    ]
    tiles = fold(artifact_of(network_of((33, 17), "relu")), "float32")  # of all three shapes
    others = [(network_of((56, 48)), "float16"), (network_of((130,), pass_points=2), "float16")]
    if arch != "sm_75":
        others.append((SAVE_POINTS, "bfloat16"))
    return [
        *in_registers,
        BlockKernel(tiles, "float32", 32),
        BlockKernel(tiles, "float64", 32),
        *(kernel_for(artifact_of(network), precision, H100, arch) for network, precision in others),
    ]


def test_variants_are_all_there_are() -> None:
    chosen = variants("sm_90")
    assert {type(kernel) for kernel in chosen} == set(get_args(NetworkKernel))
    tensor = {(kernel.rows, kernel.resident) for kernel in chosen if isinstance(kernel, TensorKernel)}
    assert tensor == {(1, True), (2, False), (2, True)}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_variant_compiles(arch: str) -> None:
    programs = list(map(program_of, variants(arch)))
    programs += [program_of(kernel, "features") for kernel in variants(arch) if isinstance(kernel, ThreadKernel)]
    for file in {program.file for program in programs}:
        union = cuda_emulation.union_of(program for program in programs if program.file == file)
        assert set(compile_program(union, arch).symbols) == set(union.kernels)


def compiled(kernel: NetworkKernel, arch: str = "sm_90") -> Binary:
    return compile_program(program_of(kernel), arch)


@pytest.mark.parametrize(
    ("hidden", "activation", "arch"),
    [
        ((16, 16), "tanh", "sm_89"),
        ((16, 16), "tanh", "sm_90"),
        ((16, 16), "tanh", "sm_120"),
        ((8, 8), "silu", "sm_90"),
        ((24, 24), "softplus", "sm_90"),
    ],
)
def test_passes_in_float32_execute_little_more_than_their_floor(
    hidden: tuple[int, ...], activation: str, arch: str
) -> None:
    kernel = kernel_for(artifact_of(network_of(hidden, activation)), "float32", H100, arch)
    loop = longest_loop(compiled(kernel, arch))
    floor = count_float32(kernel.network)
    assert loop["MUFU"] == floor.special
    assert loop.total() <= 1.1 * (floor.ordinary + floor.special)
    assert max(loop.total(), SPECIAL * loop["MUFU"]) <= 1.05 * floor.bound
    assert loop["LDG"] == loop["LDC"] == loop["LDL"] == 0


@pytest.mark.parametrize(
    ("hidden", "products", "precision", "arch"),
    [
        ((16, 16), 5, "float16", "sm_89"),
        ((16, 16), 5, "float16", "sm_90"),
        ((16, 16), 5, "float16", "sm_120"),
        ((16, 16), 5, "bfloat16", "sm_90"),
        ((8, 8), 3, "float16", "sm_90"),
        ((24, 24), 11, "float16", "sm_90"),
    ],
)
def test_passes_on_tensor_cores_are_bound_by_special_functions(
    hidden: tuple[int, ...], products: int, arch: str, precision: str
) -> None:
    kernel = kernel_for(artifact_of(network_of(hidden)), precision, H100, arch)
    loop = longest_loop(compiled(kernel, arch))
    assert (kernel.rows, kernel.samples) == (2, 128)  # 32 lanes for 32 samples: an instruction is one a sample
    floor = count_half(kernel.network)
    assert loop["MUFU"] == floor.special == sum(hidden)
    assert loop["HMMA"] == 2 * products
    assert loop.total() <= 1.7 * (floor.ordinary + floor.special)
    assert loop.total() <= floor.bound == SPECIAL * floor.special
    assert loop["LDG"] == loop["LDL"] == 0
    assert loop["STG"] == 2


def test_weights_that_do_not_fit_registers_are_loaded_in_each_pass() -> None:
    # Hoisted out of the loop they would spill.
    kernel = kernel_for(artifact_of(network_of((80, 80), "tanh", "direct")), "float16", H100, "sm_90")
    binary = compiled(kernel)
    loop = longest_loop(binary)
    assert loop["HMMA"] == 2 * (10 + 10 * 5 + 5)
    assert loop["LDG"] >= 10 + 10 * 5 + 5
    assert loop.total() <= SPECIAL * loop["MUFU"]
    assert binary.usage[program_of(kernel).kernels[0]].spill_stores == 0


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_shipped_network_does_not_spill(precision: str) -> None:
    check_spills(PLUGINS / "fhnbench_itnn/artifacts/C-24x24-tanh.safetensors", precision, "sm_90", 0)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("precision", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("artifact", NETWORKS, ids=lambda path: path.stem)
def test_no_shipped_network_spills_much_anywhere(artifact: Path, precision: str, arch: str) -> None:
    if (precision, arch) != ("bfloat16", "sm_75"):
        check_spills(artifact, precision, arch, SPILLED[precision])


def check_spills(path: Path, precision: str, arch: str, allowed: int) -> None:
    kernel = kernel_for(load_artifact(path), precision, H100, arch)
    for output in get_args(Output)[: 2 if isinstance(kernel, ThreadKernel) else 1]:
        (usage,) = compile_program(program_of(kernel, output), arch).usage.values()
        assert max(usage.local_memory, usage.spill_stores, usage.spill_loads) <= allowed


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["sm_75", "sm_90", "sm_120"])
@pytest.mark.parametrize("precision", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "hidden", [(200,), (64, 64), (70, 66), (100, 1), (128, 128), (256, 256), (129, 255, 8)], ids=str
)
@pytest.mark.parametrize("scheme", ["direct", "iterative"])
def test_widest_networks_spill_little(hidden: tuple[int, ...], precision: str, arch: str, scheme: str) -> None:
    if (precision, arch) == ("bfloat16", "sm_75"):
        return
    artifact, shared_memory = artifact_of(network_of(hidden, "tanh", scheme)), SHARED_MEMORY[arch]
    if precision == "float64" and max(hidden) > 200 and arch == "sm_75":
        with pytest.raises(Refused, match="in float64 needs"):
            kernel_for(artifact, precision, shared_memory, arch)
        return
    (usage,) = compiled(kernel_for(artifact, precision, shared_memory, arch), arch).usage.values()
    assert max(usage.spill_stores, usage.spill_loads) <= SPILLED[precision]


def test_features_add_little_to_a_pass() -> None:
    kernel = kernel_for(artifact_of(network_of((8, 8), "tanh")), "float32", H100, "sm_90")
    states, features = (
        longest_loop(compile_program(program_of(kernel, output), "sm_90")) for output in get_args(Output)
    )
    assert features["MUFU"] == states["MUFU"]
    assert features["FMNMX"] == 4
    assert (states["STG"], features["STG"], features["LDL"]) == (2, 0, 0)
    assert features.total() <= states.total() + 15


def test_weights_are_immediate_operands() -> None:
    kernel = kernel_for(artifact_of(network_of((8, 8), "relu")), "float32", H100, "sm_90")
    assert isinstance(kernel, ThreadKernel)
    loop = longest_loop(compiled(kernel))
    assert loop["FFMA"] == 2 * 8 + 8 * 8 + 8 * 2
    assert loop["FMNMX"] == 8 + 8


# The fragments of the PTX ISA (mma.m16n8k8 and m16n8k16, .f16 and .bf16): the row or column of an element of a lane.


def right_element(lane: int, index: int) -> tuple[int, int]:
    """Return k and n of element b[index] of a lane; for m16n8k8 the indices are 0 and 1."""
    group, thread = lane >> 2, lane % 4
    return thread * 2 + (index & 1) + (8 if index >= 2 else 0), group


def left_element(lane: int, index: int) -> tuple[int, int]:
    """Return m and k of element a[index] of a lane; for m16n8k8 the indices are 0 to 3."""
    group, thread = lane >> 2, lane % 4
    row = group if index % 4 < 2 else group + 8
    return row, thread * 2 + (index & 1) + (8 if index >= 4 else 0)


def sum_element(lane: int, index: int) -> tuple[int, int]:
    """Return m and n of element c[index] of a lane."""
    group, thread = lane >> 2, lane % 4
    return (group if index < 2 else group + 8), thread * 2 + (index & 1)


def multiply_fragments(left: Any, right: Any) -> Any:
    """Return the fragments ``[lane, 4]`` of the product of fragments ``[lane, 2 depth / 8...]`` of numbers."""
    depth = 8 * right.shape[1] // 2
    a, b = np.zeros((16, depth)), np.zeros((depth, 8))
    for lane in range(32):
        for index in range(left.shape[1]):
            a[left_element(lane, index)] = left[lane, index]
        for index in range(right.shape[1]):
            b[right_element(lane, index)] = right[lane, index]
    product = a @ b
    return np.array([[product[sum_element(lane, index)] for index in range(4)] for lane in range(32)])


@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_fragments_multiply_as_matrices_do(inputs: int, outputs: int, random: Any) -> None:
    rng = np.random.default_rng(random.getrandbits(32))
    weight, values = rng.integers(-8, 8, (outputs, inputs)), rng.integers(-8, 8, (16, inputs))
    slices = -(-inputs // 8)
    padded = np.zeros((16, 8 * slices))
    padded[:, :inputs] = values
    # As the accumulators of the layer before are held: tile after tile, which is slice after slice.
    places = np.array([[sum_element(lane, index) for index in range(4)] for lane in range(32)])
    held = padded.reshape(16, slices, 8)[places[..., 0], :, places[..., 1]].swapaxes(1, 2)
    for tile, words in enumerate(right_fragments(weight.astype(float), "float16")):
        numbers = words.astype(np.uint32).view(np.float16).astype(float).reshape(-1, 2)
        pairs = numbers[: slices // 2 * 64].reshape(-1, 32, 4)
        left_over = numbers[slices // 2 * 64 :].reshape(-1, 32, 2)
        total = np.zeros((32, 4))
        for pair, right in enumerate(pairs):
            total += multiply_fragments(held[:, 2 * pair : 2 * pair + 2].reshape(32, 8), right)
        for right in left_over:
            total += multiply_fragments(held[:, -1], right)
        expected = np.zeros((16, 8))
        chosen = (values @ weight.T)[:, 8 * tile : 8 * tile + 8]
        expected[:, : chosen.shape[1]] = chosen
        np.testing.assert_array_equal(total, expected[places[..., 0], places[..., 1]])


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_bfloat16_is_rounded_to_nearest(bits: list[int]) -> None:
    numbers = np.array(bits, np.uint32).view(np.float32)
    numbers = numbers[abs(numbers) < 1e38]
    expected = numbers.astype(ml_dtypes.bfloat16).view(np.uint16)
    np.testing.assert_array_equal(half_bits(numbers, "bfloat16"), expected)
