"""The kernels that evaluate networks: which one suits a network, and its program, parameters and launch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from fhnbench import Refused
from fhnbench_cuda.compiler import KernelProgram
from fhnbench_cuda.network_fragments import SLICE, right_fragments, slices_of
from fhnbench_cuda.network_plan import FoldedNetwork, fold, structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Artifact, Output, Precision

MOST_IMMEDIATE = 5000
"""Multiply-adds of a pass up to which weights are in the machine code: 80 KiB of it, and caches hold 128."""

MOST_REGISTERS = 200
"""Registers that a thread may take for values: the sums of the first layer, and two layers after each other."""

MOST_RESIDENT = 80
"""Registers that a lane may take for weights and biases of tensor cores."""


@dataclass(frozen=True, eq=False)
class ThreadKernel:
    """A sample in each thread, weights as immediate operands: network_thread.cu."""

    FILE: ClassVar[str] = "network_thread.cu"
    samples: ClassVar[int] = 128
    threads: ClassVar[int] = 128
    shared_memory: ClassVar[int] = 0
    parameters: ClassVar[None] = None

    network: FoldedNetwork
    real: Literal["float32", "float64"]

    def define(self, name: str) -> str:
        """Return the structure `name`, and before it the weights."""
        suffix = "f" if self.real == "float32" else ""
        numbers = ", ".join(f"{number}{suffix}" for number in self.numbers)
        table = f"__device__ constexpr {_C_TYPES[self.real]} {name}_numbers[] = {{{numbers}}};"
        lookup = f"__device__ static constexpr real parameter(int place) {{ return {name}_numbers[place]; }}"
        return f"{table} {structure(name, self.network, {'using real': _C_TYPES[self.real]}, lookup)}"

    @property
    def numbers(self) -> NDArray[Any]:
        """The weights in the kernel's order, rounded."""
        network, (first, *others) = self.network, self.network.weights
        parts = [network.biases[0], *first.T[list(network.constant)], *first.T[list(network.varying)]]
        for bias, weight in zip(network.biases[1:], others, strict=True):
            parts += [bias, weight.T.ravel()]
        return np.concatenate([*parts, network.output_scale, network.output_shift]).astype(self.real)


@dataclass(frozen=True, eq=False)
class BlockKernel:
    """Tiles through shared memory, weights from the caches: network_block.cu."""

    FILE: ClassVar[str] = "network_block.cu"

    network: FoldedNetwork
    real: Literal["float32", "float64"]
    samples: int

    def define(self, name: str) -> str:
        """Return the structure `name`."""
        tiles = [self._tile(width) for width in self.network.widths]
        constants = {
            "using real": _C_TYPES[self.real],
            "int samples": self.samples,
            "int threads": self.threads,
            "int buffer": self._buffer,
            "int height": (1, *(height for height, _ in tiles)),
            "int breadth": (1, *(breadth for _, breadth in tiles)),
        }
        return structure(name, self.network, constants)

    @property
    def threads(self) -> int:
        """As many as the layer with most tiles has, in whole warps and within reason."""
        tiles = [(width, *self._tile(width)) for width in self.network.widths]
        most = max(-(-width // height) * (self.samples // breadth) for width, height, breadth in tiles)
        return min(256, 32 * -(-most // 32))

    @property
    def shared_memory(self) -> int:
        """Inputs and two layers for all samples of a block."""
        return (4 + 2 * self._buffer) * self.samples * np.dtype(self.real).itemsize

    @property
    def parameters(self) -> NDArray[Any]:
        """Weights by inputs, rows filled up to whole tiles, layers to multiples of eight numbers."""
        layers = []
        for bias, weight in zip(self.network.biases, self.network.weights, strict=True):
            rows = np.concatenate([bias[None], weight.T])
            padded = np.pad(rows, ((0, 0), (0, self._padded(bias.size) - bias.size))).ravel()
            layers.append(np.pad(padded, (0, -padded.size % 8)))
        return np.concatenate([*layers, self.network.output_scale, self.network.output_shift]).astype(self.real)

    @property
    def _buffer(self) -> int:
        return max(map(self._padded, self.network.widths))

    def _padded(self, width: int) -> int:
        height, _ = self._tile(width)
        return height * -(-width // height)

    def _tile(self, width: int) -> tuple[int, int]:
        """Return how many neurons and samples a thread sums up at once: fewer in narrow layers, to occupy all."""
        if width >= 32:
            return (8, 8) if self.real == "float32" else (4, 4)
        return (4, 4) if width >= 16 else (2, 1)


@dataclass(frozen=True, eq=False)
class TensorKernel:
    """Tensor cores, activations in registers from layer to layer: network_tensor.cu."""

    FILE: ClassVar[str] = "network_tensor.cu"
    threads: ClassVar[int] = 128
    shared_memory: ClassVar[int] = 0

    network: FoldedNetwork
    half: Literal["float16", "bfloat16"]

    def define(self, name: str) -> str:
        """Return the structure `name`."""
        constants = {"Half half": self.half, "int rows": self.rows, "bool resident": self.resident}
        return structure(name, self.network, constants)

    @property
    def rows(self) -> int:
        """Tiles of 16 samples that a warp computes side by side."""
        return 2 if max(self.network.widths) <= 128 else 1

    @property
    def samples(self) -> int:
        """Samples of a block."""
        return self.threads // 32 * 16 * self.rows

    @property
    def resident(self) -> bool:
        """Whether weights stay in registers; else they are read from the caches in every pass."""
        slices = [slices_of(width) for width in (SLICE, *self.network.widths)]
        return sum(b * (2 + a) for a, b in pairwise(slices)) <= MOST_RESIDENT

    @property
    def parameters(self) -> NDArray[np.uint32]:
        """Words of 32 bits as network_tensor.cu describes them.

        Raises
        ------
        Refused
            If a weight is too large for float16.
        """
        network = self.network
        # The first layer's inputs come twice: rounded, and what rounding took.
        weights = [np.tile(network.weights[0], 2), *network.weights[1:]]
        # Where a pass has one save point, all lanes get it.
        outputs = np.arange(SLICE) % 2 if network.pass_points == 1 else np.arange(network.widths[-1])
        rows = [*map(np.arange, network.widths[:-1]), outputs]
        words: list[NDArray[Any]] = []
        for weight, bias, chosen in zip(weights, network.biases, rows, strict=True):
            words += [_filled_up(bias[chosen]), right_fragments(weight[chosen], self.half)]
        words += [_filled_up(values[outputs]) for values in (network.output_scale, network.output_shift)]
        words += [np.tile(values, 2).astype(np.float32) for values in (network.input_scale, network.input_shift)]
        return np.concatenate([part.view(np.uint32).ravel() for part in words])


NetworkKernel = ThreadKernel | BlockKernel | TensorKernel
"""A kernel for one network.

Its arguments are the parameters, where it has any, the times of the save points, u0, w0, i_app, the trajectories, N and
T; where it puts out features, these in place of trajectories, and then the save interval and the spike threshold. A
block has so many `threads` for so many `samples`, and so many bytes of `shared_memory`.
"""


def program_of(kernel: NetworkKernel, output: Output = "trajectories") -> KernelProgram:
    """Return what is compiled: one kernel, whose name is that of no other network's.

    Raises
    ------
    Refused
        If features are asked of a kernel that has none.
    """
    if output == "features" and not isinstance(kernel, ThreadKernel):
        raise Refused(
            "output=features goes with float32 and float64, and networks that fit into the registers of a thread"
        )
    function = "evaluate_features" if output == "features" else "evaluate"
    digest = hashlib.sha256(kernel.define("Network").encode()).hexdigest()
    name = f"Network_{digest[:16]}"
    return KernelProgram(kernel.FILE, (f"{function}<{name}>",), (("NETWORKS", kernel.define(name)),))


def kernel_for(artifact: Artifact, precision: Precision, shared_memory: int, arch: str) -> NetworkKernel:
    """Return the kernel that suits a network and a GPU.

    Parameters
    ----------
    artifact
        The network.
    precision
        What it is computed in.
    shared_memory
        Bytes of shared memory that a block can have.
    arch
        Architecture of the GPU, ``sm_90``.

    Raises
    ------
    Refused
        If an activation is unknown, a layer is too wide or needs more shared memory than there is, or the GPU does
        not compute in this precision.
    """
    if precision == "float16" or precision == "bfloat16":  # noqa: PLR1714 - mypy understands this one
        if precision == "bfloat16" and int(arch.removeprefix("sm_")) < 80:
            raise Refused(f"the tensor cores of {arch} have no bfloat16; take precision=float16")
        return TensorKernel(fold(artifact, "half"), precision)
    network = fold(artifact, precision)
    if _fits_registers(network, np.dtype(precision).itemsize // 4):
        return ThreadKernel(network, precision)
    kernels = [BlockKernel(network, precision, samples) for samples in (64, 32, 16)]
    for kernel in kernels:
        # Two blocks of a multiprocessor hide each other's barriers.
        if 2 * kernel.shared_memory <= shared_memory:
            return kernel
    if kernels[-1].shared_memory <= shared_memory:
        return kernels[-1]
    needed, available = -(-kernels[-1].shared_memory // 1024), shared_memory // 1024
    raise Refused(
        f"width {max(network.widths)} in {precision} needs {needed} KiB of shared memory, "
        f"a block of this GPU has {available}; take another precision or a narrower network"
    )


def _fits_registers(network: FoldedNetwork, words: int) -> bool:
    """Return whether a thread can hold all values, of so many words, and the caches the machine code."""
    widths = (len(network.varying), *network.widths)
    pairs = list(pairwise(widths))
    multiply_adds = sum(a * b for a, b in pairs)
    values = widths[1] + max(a + b for a, b in pairs)
    return multiply_adds * words <= MOST_IMMEDIATE and values * words <= MOST_REGISTERS


_C_TYPES = {"float32": "float", "float64": "double"}


def _filled_up(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.pad(values, (0, -values.size % SLICE)).astype(np.float32)
