"""What the network kernels are given: a network with its normalisation and the factors of its activations folded in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fhnbench import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fhnbench import Activation, Artifact, NetworkInput

WIDEST = 256
"""The most neurons of a layer, and outputs of a pass."""

INPUTS: tuple[NetworkInput, ...] = ("u", "w", "i_app", "t")
"""The inputs in the order of the kernels; those that a network does not have are multiplied by zero."""

Arithmetic = Literal["float32", "float64", "half"]
"""How a kernel computes activations: as its numbers are, or in float32 for results of 16 bits (``half``)."""


@dataclass(frozen=True)
class Factors:
    """What a kernel's form of an activation expects to be folded into the weights.

    The kernel computes ``activation(z) / after`` from ``z * before``.
    """

    before: float = 1.0
    after: float = 1.0


_LOG2_E, _LN_2 = 1 / math.log(2), math.log(2)
_SOFTPLUS = Factors(_LOG2_E, _LN_2)
_NONE: dict[Activation, Factors] = {
    name: Factors() for name in ("identity", "relu", "tanh", "sigmoid", "silu", "softplus", "sin")
}

FACTORS: Mapping[Arithmetic, Mapping[Activation, Factors]] = {
    "float32": _NONE
    | {
        "tanh": Factors(2 * _LOG2_E),
        "sigmoid": Factors(-_LOG2_E),
        "silu": Factors(-_LOG2_E, -_LN_2),
        "softplus": _SOFTPLUS,
    },
    "float64": _NONE,
    "half": _NONE | {"sigmoid": Factors(0.5), "silu": Factors(0.5), "softplus": _SOFTPLUS},
}
"""The factors of network_activations.cuh."""


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A network as the kernels evaluate it; all numbers in float64, to be rounded once.

    Parameters
    ----------
    weights, biases
        ``[out, in]`` and ``[out]`` of each layer; the inputs of the first are those of `INPUTS`.
    activations
        One for each layer.
    input_scale, input_shift
        ``[4]``: what inputs are multiplied by, and what is then added; ones and zeros if that is folded in.
    output_scale, output_shift
        What is applied to the outputs after the last activation; `rescaled` says whether that does anything.
    direct, increments, pass_points
        As `Network` has them.
    """

    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]
    activations: tuple[Activation, ...]
    input_scale: NDArray[np.float64]
    input_shift: NDArray[np.float64]
    output_scale: NDArray[np.float64]
    output_shift: NDArray[np.float64]
    direct: bool
    increments: bool
    pass_points: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Neurons of each layer after the input."""
        return tuple(bias.size for bias in self.biases)

    @property
    def rescaled(self) -> bool:
        """Whether the outputs are scaled after the last activation; else that is folded into the last weights."""
        return self.activations[-1] != "identity"

    @property
    def varying(self) -> tuple[int, ...]:
        """Places in `INPUTS` of what is new in each pass."""
        return (3,) if self.direct else (0, 1)

    @property
    def constant(self) -> tuple[int, ...]:
        """Places in `INPUTS` of what a trajectory keeps."""
        return (0, 1, 2) if self.direct else (2,)


def fold(artifact: Artifact, arithmetic: Arithmetic) -> FoldedNetwork:
    """Fold what can be folded into a network's weights and biases.

    For ``half`` the normalisation of the inputs is left to the kernel, because numbers of 16 bits stand for normalised
    inputs much better than for those that are shifted away from zero.

    Raises
    ------
    Refused
        If the network has an activation that no kernel has, or too wide a layer.
    """
    network = artifact.network
    factors = FACTORS[arithmetic]
    if unknown := set(network.activations) - set(factors):
        raise Refused(f"activation {', '.join(sorted(unknown))} is not supported; there are {', '.join(factors)}")
    if (widest := max(network.widths)) > WIDEST:
        raise Refused(f"a layer of width {widest} is not supported; at most {WIDEST}")
    weights = [weight.astype(np.float64) for weight in artifact.weights]
    biases = [bias.astype(np.float64) for bias in artifact.biases]

    first = np.zeros((network.widths[1], len(INPUTS)))
    scale, shift = np.ones(len(INPUTS)), np.zeros(len(INPUTS))
    for column, given in enumerate(network.inputs):
        place = INPUTS.index(given)
        first[:, place] = weights[0][:, column]
        scale[place] = 1 / network.input_scale[column]
        shift[place] = -network.input_shift[column] / network.input_scale[column]
    if arithmetic != "half":
        biases[0] = biases[0] + first @ shift
        first = first * scale
        scale, shift = np.ones(len(INPUTS)), np.zeros(len(INPUTS))
    weights[0] = first

    output_scale, output_shift = np.array(network.output_scale), np.array(network.output_shift)
    for layer, name in enumerate(network.activations):
        weights[layer] = weights[layer] * factors[name].before
        biases[layer] = biases[layer] * factors[name].before
        if layer + 1 < len(weights):
            weights[layer + 1] = weights[layer + 1] * factors[name].after
        else:
            output_scale = output_scale * factors[name].after
    if network.activations[-1] == "identity":
        weights[-1] = weights[-1] * output_scale[:, None]
        biases[-1] = biases[-1] * output_scale + output_shift
    return FoldedNetwork(
        weights=tuple(weights),
        biases=tuple(biases),
        activations=network.activations,
        input_scale=scale,
        input_shift=shift,
        output_scale=output_scale,
        output_shift=output_shift,
        direct=network.scheme == "direct",
        increments=network.output == "increment",
        pass_points=network.pass_points,
    )


def structure(name: str, network: FoldedNetwork, constants: Mapping[str, Any], members: str = "") -> str:
    """Return, on one line, the C++ structure that a kernel template takes a network's shape from.

    Parameters
    ----------
    name
        Its name.
    network
        Gives layers, widths and scheme. `width` and `activation` count layers from 1; the width 0 is that of `INPUTS`.
    constants
        What else it holds: keys are C++ type and name; a tuple becomes a function of the layer.
    members
        Further members, as text.
    """
    shared: dict[str, Any] = {
        "int layers": len(network.widths),
        "bool direct": network.direct,
        "bool increments": network.increments,
        "bool rescaled": network.rescaled,
        "int pass_points": network.pass_points,
        "int width": (len(INPUTS), *network.widths),
        "Activation activation": ("identity", *network.activations),
    }
    lines = [_member(key, value) for key, value in (shared | dict(constants)).items()]
    return f"struct {name} {{ {' '.join(lines)} {members} }};"


def _member(key: str, value: Any) -> str:
    kind, name = key.split()
    if kind == "using":
        return f"using {name} = {value};"
    if not isinstance(value, tuple):
        return f"static constexpr {kind} {name} = {_constant(kind, value)};"
    values = ", ".join(_constant(kind, each) for each in value)
    return (
        f"__host__ __device__ static constexpr {kind} {name}(int layer) "
        f"{{ constexpr {kind} all[] = {{{values}}}; return all[layer]; }}"
    )


def _constant(kind: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{kind}::{value}" if isinstance(value, str) else str(value)
