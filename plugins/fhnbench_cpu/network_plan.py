"""What the machine code of a network depends on, and where its parameters and its working memory are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from fhnbench import Network
from fhnbench_cpu.network_vectors import Element

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fhnbench import Activation, Artifact, NetworkInput


class Tile(msgspec.Struct, frozen=True):
    """What is computed at once.

    Parameters
    ----------
    lanes
        Samples in a vector.
    vectors
        Vectors of samples that are computed side by side: a group.
    neurons
        Most neurons whose sums are held in registers at once, for all samples of a group; even.
    groups
        Groups in a block; they take turns, pass by pass.
    """

    lanes: int
    vectors: int
    neurons: int
    groups: int

    @property
    def group_size(self) -> int:
        """Samples in a group."""
        return self.lanes * self.vectors

    @property
    def block_size(self) -> int:
        """Samples in a block."""
        return self.group_size * self.groups

    def split(self, width: int) -> Iterator[tuple[int, int, int]]:
        """Split the neurons of a layer into few tiles of nearly equal height: yield first neuron, height, repeats.

        Heights are even, except at the end of a layer of odd width, because neurons share divisions in pairs.
        """
        tiles = -(-width // self.neurons)
        height = min(width, 2 * -(-width // (2 * tiles)))
        whole = width // height
        yield 0, height, whole
        if whole * height < width:
            yield whole * height, width - whole * height, 1


class Layer(NamedTuple):
    """One layer as the kernel evaluates it; `bias` ``[width]`` and `weights` ``[inputs, width]`` are places."""

    number: int
    last: bool
    inputs: int
    width: int
    activation: Activation
    bias: int
    weights: int


class Plan(msgspec.Struct, frozen=True):
    """The structure of a network, the type of a number, and the tile; weights and normalisation are parameters.

    Build it with `of`. A place is an index into a one-dimensional array of numbers: the parameters, the working memory
    of a thread, or the part of it that each group has for itself.
    """

    network: Network
    element: Element
    tile: Tile

    @classmethod
    def of(cls, network: Network, element: Element, tile: Tile) -> Plan:
        """Return the plan of a network; networks that differ in nothing but normalisation have the same."""
        inputs, outputs = len(network.inputs), network.widths[-1]
        structure = msgspec.structs.replace(
            network,
            input_shift=(0.0,) * inputs,
            input_scale=(1.0,) * inputs,
            output_shift=(0.0,) * outputs,
            output_scale=(1.0,) * outputs,
        )
        return cls(structure, element, tile)

    @property
    def varying(self) -> list[NetworkInput]:
        """The inputs that are new in each pass: t, or u and w where the pass begins."""
        return [name for name in self._may_vary if name in self.network.inputs]

    @property
    def constant(self) -> list[NetworkInput]:
        """The inputs that a trajectory keeps, of u and w at its start and i_app."""
        return [name for name in self.network.inputs if name not in self._may_vary]

    @property
    def rescaled(self) -> bool:
        """Whether outputs are scaled after the last activation; if that is the identity, its weights are scaled."""
        return self.network.activations[-1] != "identity"

    @property
    def layers(self) -> list[Layer]:
        """The layers; the first has but the varying inputs, and the weights of the constant ones follow its bias."""
        widths = self.network.widths
        layers, place = [], 0
        for number, (width, activation) in enumerate(zip(widths[1:], self.network.activations, strict=True)):
            inputs = widths[number] if number else len(self.varying)
            weights = place + width * (1 if number else 1 + len(self.constant))
            layers.append(Layer(number, number == len(widths) - 2, inputs, width, activation, place, weights))
            place = weights + inputs * width
        return layers

    @property
    def output_scale(self) -> int:
        """Place of the scales of the outputs, which the shifts follow, if `rescaled`."""
        last = self.layers[-1]
        return last.weights + last.inputs * last.width

    @property
    def state(self) -> int:
        """Place, in a group's working memory, of u and w; before it are the first layer's sums over `constant`."""
        return self.network.widths[1] * self.tile.group_size

    @property
    def time(self) -> int:
        """Place of t in a group's working memory."""
        return self.state + 2 * self.tile.group_size

    @property
    def group_memory(self) -> int:
        """Numbers of working memory that each group has for itself."""
        return self.time + self.tile.group_size

    def values(self, layer: int) -> int:
        """Place, in the working memory of a thread, of the values of a layer; two places are used in turn."""
        return self.tile.groups * self.group_memory + layer % 2 * max(self.network.widths[1:]) * self.tile.group_size

    @property
    def thread_memory(self) -> int:
        """Numbers of working memory of a thread."""
        return 2 * self.values(1) - self.values(0)

    def parameters(self, artifact: Artifact) -> NDArray[Any]:
        """Return weights and biases with the normalisation folded in; computed in float64, then rounded once."""
        network = artifact.network
        weights = [weight.astype(np.float64) for weight in artifact.weights]
        biases = [bias.astype(np.float64) for bias in artifact.biases]
        scale, shift = np.array(network.output_scale), np.array(network.output_shift)
        weights[0] /= np.array(network.input_scale)
        biases[0] -= weights[0] @ np.array(network.input_shift)
        weights[0] = weights[0][:, [network.inputs.index(name) for name in (*self.constant, *self.varying)]]
        rescaling = [scale, shift]
        if not self.rescaled:
            weights[-1] *= scale[:, None]
            biases[-1] = biases[-1] * scale + shift
            rescaling = []
        layers = [part for bias, weight in zip(biases, weights, strict=True) for part in (bias, weight.T.ravel())]
        return np.concatenate([*layers, *rescaling]).astype(self.element)

    @property
    def _may_vary(self) -> tuple[NetworkInput, ...]:
        return ("t",) if self.network.scheme == "direct" else ("u", "w")
