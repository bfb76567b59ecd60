"""What the network kernels execute, and what bounds them.

A multiprocessor issues 128 operations a cycle (four warps of 32 lanes), a multiply-add each, and 16 special functions
(MUFU: exponential, reciprocal, tanh.approx), so one of these takes as long as eight others, which are executed beside
it. What bounds a kernel is the larger of all operations and eight times its special functions.

**float32, a sample in each thread.** A pass takes a multiply-add for each weight (of the first layer for the inputs
that are new in a pass; the rest is summed once), a move for each bias after the first layer, and an addition for each
output that is an increment. tanh is ``1 - 2 / (e^2z + 1)``: two special functions, one addition, one multiply-add; the
factor of the exponent is in the weights.

**16 bits, tensor cores.** tanh is one special function (tanh.approx, 2^-11), sigmoid and silu one and a multiply-add.
The matrix products are few: a m16n8k16 for 16 neurons before, 8 after and 16 samples. Half a conversion for each neuron
packs the next layer's input. Neurons are filled up to eights.

Floor of 3-16-16-2 tanh for a pass of one sample, in operations (a special function counts as one, or as the eight in
brackets), and in microseconds for 100,000 samples and 50 passes on an H100 (132 multiprocessors, 1.755 GHz) and a
consumer's RTX 4070 (46, 2.475 GHz); trajectories take 12 and 82 us to write:

==========  ==========  ================  =========  ====  ========
precision   operations  special functions  binds      H100  RTX 4070
==========  ==========  ================  =========  ====  ========
float32     468         64 (512)           MUFU         86       176
float16     98          32 (256)           MUFU         43        88
==========  ==========  ================  =========  ====  ========

On the H100 its 4 products of m16n8k16 in 16 samples hide behind the special functions; consumers' GPUs, whose tensor
cores sum in float32 at a quarter of the speed, need as long for both. Layers wider than about 128 are bound by the
products, networks of relu or identity by issue.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from fhnbench import Cost, network_cost
from fhnbench_cuda.network_fragments import SLICE, slices_of
from fhnbench_cuda.network_plan import INPUTS, fold

if TYPE_CHECKING:
    from fhnbench import Activation, Artifact, Workload
    from fhnbench_cuda.network_plan import FoldedNetwork

SPECIAL = 8
"""Operations that a multiprocessor executes while it computes one special function."""


class Count(NamedTuple):
    """Operations of a thread's lane for a sample: those that are no special functions, and special functions."""

    ordinary: float
    special: float

    @property
    def bound(self) -> float:
        """How many operations take as long."""
        return max(self.ordinary + self.special, SPECIAL * self.special)


ACTIVATIONS: dict[Activation, Count] = {
    "identity": Count(0, 0),
    "relu": Count(1, 0),
    "tanh": Count(2, 2),
    "sigmoid": Count(1, 2),
    "silu": Count(2, 2),
    "softplus": Count(3, 2),
    "sin": Count(12, 0),
}
"""Of one neuron in float32 (network_activations.cuh)."""

ACTIVATIONS_APPROX: dict[Activation, Count] = ACTIVATIONS | {
    "tanh": Count(0, 1),
    "sigmoid": Count(1, 1),
    "silu": Count(1, 1),
    "sin": Count(1, 1),
}
"""Of one neuron whose value is rounded to 16 bits."""


SPECIAL_ON_TENSOR_CORES = {"sm_80": 64, "sm_90": 64, "sm_100": 64}
"""Multiply-adds of tensor cores, by ``mma.sync`` in 16 bits, while a multiprocessor computes one special function."""

LEAST_SPECIAL_ON_TENSOR_CORES = 16
"""The same for GPUs that are not listed, consumers' among them."""


def cost_of(artifact: Artifact, workload: Workload, arch: str) -> Cost:
    """Return the operations that take as long as what bounds the kernel, and the bytes of inputs and trajectories.

    Operations are multiply-adds as the peak of the precision has them: in 16 bits those of the tensor cores of `arch`,
    which are compared with the special functions alone. In float64, whose special functions are sequences of
    operations, they are nominal (`network_cost`).
    """
    nominal = network_cost(artifact.network, workload)
    passes = artifact.network.passes(workload.save_points)
    if workload.precision == "float64":
        return nominal
    if workload.precision == "float32":
        network = fold(artifact, "float32")
        operations = len(network.constant) * network.widths[0] + passes * count_float32(network).bound
    else:
        network = fold(artifact, "half")
        special = SPECIAL_ON_TENSOR_CORES.get(arch, LEAST_SPECIAL_ON_TENSOR_CORES) * count_half(network).special
        slices = [slices_of(width) for width in (len(INPUTS) * 2, *network.widths)]
        products = SLICE * SLICE * sum(a * b for a, b in pairwise(slices))
        operations = passes * max(special, products)
    return Cost(float(workload.size * operations), nominal.bytes)


def count_float32(network: FoldedNetwork) -> Count:
    """Return what a pass takes in float32."""
    widths = network.widths
    products = sum(a * b for a, b in pairwise((len(network.varying), *widths)))
    moves = sum(widths[1:])
    outputs = widths[-1] * (network.increments + network.rescaled)
    activations = [ACTIVATIONS[name] for name in network.activations]
    ordinary = sum(width * each.ordinary for width, each in zip(widths, activations, strict=True))
    special = sum(width * each.special for width, each in zip(widths, activations, strict=True))
    return Count(products + moves + outputs + ordinary, special)


def count_half(network: FoldedNetwork) -> Count:
    """Return what a pass takes on tensor cores; an instruction of a warp for 16 samples is two operations for each."""
    tiles = [slices_of(width) for width in (len(INPUTS) * 2, *network.widths)]
    activations = [ACTIVATIONS_APPROX[name] for name in network.activations]
    products = sum(2 * b * ((a + 1) // 2) for a, b in pairwise(tiles))
    # Two numbers of 16 bits for each lane and row: scaled, rounded, and what rounding took.
    inputs = 4 * (2 + 1 + 2 + 2 + 1)
    packs = SLICE * sum(tiles[1:-1]) / 2
    outputs = SLICE * tiles[-1] * (network.increments + network.rescaled)
    neurons = [SLICE * tile for tile in tiles[1:]]
    ordinary = sum(width * each.ordinary for width, each in zip(neurons, activations, strict=True))
    special = sum(width * each.special for width, each in zip(neurons, activations, strict=True))
    return Count(products + inputs + packs + outputs + ordinary, special)
