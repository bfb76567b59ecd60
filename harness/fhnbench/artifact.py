"""One trained surrogate: weights and everything that is needed to evaluate it and to train it again.

An artifact is a single safetensors file: float32 tensors ``layers.K.weight`` ``[out, in]`` and ``layers.K.bias``
``[out]``, and in the header's metadata, under the key ``fhnbench``, the JSON text of `ArtifactMetadata`. It is
never a pickle, and it is written whole and then renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from fhnbench.errors import FhnbenchError
from fhnbench.files import write_whole
from fhnbench.problem import Problem

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

ARTIFACT_SCHEMA = "fhnbench.artifact/1"

Activation = Literal["tanh", "silu", "relu", "sin", "sigmoid", "softplus", "identity"]
Scheme = Literal["direct", "iterative"]
NetworkInput = Literal["t", "u", "w", "i_app"]


class InvalidArtifact(FhnbenchError):
    """A file is no artifact, is damaged, or contradicts itself."""


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A multilayer perceptron, its normalisation and how it is evaluated over time, as data.

    With ``x = (inputs - input_shift) / input_scale``, layer after layer ``x = activation(weight @ x + bias)``, and
    ``outputs = x * output_scale + output_shift``.

    ``direct``: inputs hold t (and u, w: the *initial* state); one pass for each save point but the first.
    ``iterative``: inputs hold u, w (the state where the pass begins) and no t; each pass gives the next
    `pass_points` save points, in the order u, w of the first, u, w of the second, and so on; passes are chained
    until the horizon is reached and what lies beyond it is dropped. A trajectory network is iterative with
    ``pass_points = T - 1``.

    Parameters
    ----------
    inputs
        Names of the inputs, in order.
    widths
        Sizes of all layers, input and output included; the last is ``2 * pass_points``.
    activations
        One for each layer after the input; the last is usually ``identity``.
    scheme, pass_points
        As above; `pass_points` is 1 for ``direct``.
    output
        ``state``: outputs are states; ``increment``: they are added to the state at which the pass begins (for
        ``direct``, the initial state).
    input_shift, input_scale, output_shift, output_scale
        Normalisation, one number for each input or output.

    Raises
    ------
    InvalidArtifact
        If lengths, names or sizes do not fit together.
    """

    inputs: tuple[NetworkInput, ...]
    widths: tuple[int, ...]
    activations: tuple[Activation, ...]
    scheme: Scheme
    input_shift: tuple[float, ...]
    input_scale: tuple[float, ...]
    output_shift: tuple[float, ...]
    output_scale: tuple[float, ...]
    output: Literal["state", "increment"] = "state"
    pass_points: int = 1

    def __post_init__(self) -> None:
        for problem in self._contradictions():
            raise InvalidArtifact(f"network: {problem}")

    def _contradictions(self) -> list[str]:
        checks = {
            f"widths {self.widths} need at least an input and an output, all positive": len(self.widths) >= 2
            and min(self.widths, default=0) >= 1,
            f"{len(self.activations)} activations for {len(self.widths) - 1} layers": len(self.activations)
            == len(self.widths) - 1,
            f"inputs {self.inputs} do not fit the first width {self.widths[:1]}": (len(self.inputs),)
            == self.widths[:1],
            f"inputs {self.inputs} repeat a name": len(set(self.inputs)) == len(self.inputs),
            f"the last width must be 2 x pass_points = {2 * self.pass_points}": self.widths[-1:]
            == (2 * self.pass_points,),
            f"pass_points {self.pass_points} must be positive, and 1 for a direct scheme": self.pass_points >= 1
            and (self.pass_points == 1 or self.scheme == "iterative"),
            f"a direct scheme has t among its inputs and an iterative one has not, got {self.inputs}": (
                "t" in self.inputs
            )
            == (self.scheme == "direct"),
            "normalisation must have one shift and one non-zero scale for each input and output": len(self.input_shift)
            == len(self.input_scale)
            == len(self.inputs)
            and (len(self.output_shift),) == (len(self.output_scale),) == self.widths[-1:]
            and 0 not in (*self.input_scale, *self.output_scale)
            and bool(np.isfinite([*self.input_shift, *self.input_scale, *self.output_shift, *self.output_scale]).all()),
        }
        return [message for message, holds in checks.items() if not holds]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""
        return self.widths[1:-1]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one pass for one sample."""
        return sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))

    def passes(self, save_points: int) -> int:
        """Return how many passes give `save_points` save points (the first, the initial state, costs none)."""
        return -(-(save_points - 1) // self.pass_points)


class TrainingRecord(msgspec.Struct, frozen=True):
    """How an artifact was made, in enough detail to make it again.

    Parameters
    ----------
    command
        The command line that repeats the training.
    recipe
        Name of the recipe.
    seed
        Seed of weights and data.
    samples
        Initial-value problems in the training set (0: fresh ones throughout).
    steps
        Optimiser steps taken.
    seconds
        Wall-clock time of the training, without data and validation, in seconds.
    data_seconds
        Wall-clock time of making the training data, in seconds.
    options
        Everything else: optimiser, schedule, batch, loss weights, versions, device.
    """

    command: str
    recipe: str
    seed: int
    samples: int
    steps: int
    seconds: float
    data_seconds: float
    options: dict[str, Any] = {}


class ArtifactMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an artifact says of itself; `problem` holds the ranges and the horizon it was trained for."""

    family: str
    problem: Problem
    network: Network
    training: TrainingRecord
    validation: dict[str, float]
    schema: str = ARTIFACT_SCHEMA


@dataclass(frozen=True, eq=False)
class Artifact:
    """A trained surrogate in memory.

    Parameters
    ----------
    metadata
        Family, problem, network, training and validation errors.
    weights, biases
        One float32 array a layer: ``[out, in]`` and ``[out]``.

    Raises
    ------
    InvalidArtifact
        If the tensors do not fit the network, or hold values that are not finite.
    """

    metadata: ArtifactMetadata
    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]

    def __post_init__(self) -> None:
        widths = self.metadata.network.widths
        layers = len(widths) - 1
        if len(self.weights) != layers or len(self.biases) != layers:
            raise InvalidArtifact(f"{len(self.weights)} weights and {len(self.biases)} biases for {layers} layers")
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            for name, tensor, shape in (
                ("weight", weight, (widths[layer + 1], widths[layer])),
                ("bias", bias, (widths[layer + 1],)),
            ):
                if tensor.shape != shape or tensor.dtype != np.float32:
                    raise InvalidArtifact(
                        f"layers.{layer}.{name} is {tensor.dtype}{list(tensor.shape)}, not float32{list(shape)}"
                    )
                if not np.isfinite(tensor).all():
                    raise InvalidArtifact(f"layers.{layer}.{name} holds values that are not finite")

    @property
    def network(self) -> Network:
        """The network, as data."""
        return self.metadata.network

    @property
    def digest(self) -> str:
        """SHA-256 of the network's description and tensors: equal exactly if the artifact computes the same."""
        sha = hashlib.sha256(msgspec.json.encode(self.network))
        for tensor in (*self.weights, *self.biases):
            sha.update(tensor.tobytes())
        return sha.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the artifact to a file, whole or not at all."""
        from safetensors.numpy import save

        tensors = {
            f"layers.{layer}.{name}": np.ascontiguousarray(tensor)
            for name, group in (("weight", self.weights), ("bias", self.biases))
            for layer, tensor in enumerate(group)
        }
        write_whole(Path(path), save(tensors, metadata={"fhnbench": msgspec.json.encode(self.metadata).decode()}))


def load_artifact(path: str | os.PathLike[str]) -> Artifact:
    """Read an artifact.

    Raises
    ------
    InvalidArtifact
        If the file is missing, truncated, no artifact, of another version, or its tensors do not fit its network.
        The message names the file.
    """
    with _opened(path) as file:
        metadata = _metadata_of(file)
        layers = len(metadata.network.widths) - 1
        names = [[f"layers.{layer}.{name}" for layer in range(layers)] for name in ("weight", "bias")]
        if odd := set(file.keys()) ^ {name for group in names for name in group}:
            raise InvalidArtifact(f"its tensors are not those of its network: {', '.join(sorted(odd))}")
        weights, biases = (tuple(_tensor(file, name) for name in group) for group in names)
        return Artifact(metadata, weights, biases)


def load_metadata(path: str | os.PathLike[str]) -> ArtifactMetadata:
    """Read what an artifact says of itself, without its tensors; raises as `load_artifact` does."""
    with _opened(path) as file:
        return _metadata_of(file)


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a safetensors file; whatever is wrong with it or found wrong inside names the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError:
        raise InvalidArtifact(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise InvalidArtifact(f"{path}: not a readable safetensors file ({error}); train it again") from None
    except (FhnbenchError, msgspec.MsgspecError) as error:
        raise InvalidArtifact(f"{path}: {error}") from None


def _tensor(file: Any, name: str) -> NDArray[np.float32]:
    if (dtype := file.get_slice(name).get_dtype()) != "F32":  # NumPy lacks some types that safetensors has
        raise InvalidArtifact(f"{name} is of type {dtype}, not F32")
    tensor: NDArray[np.float32] = file.get_tensor(name)
    return tensor


def _metadata_of(file: Any) -> ArtifactMetadata:
    text = (file.metadata() or {}).get("fhnbench")
    if text is None:
        raise InvalidArtifact("a safetensors file, but not one of fhnbench (no 'fhnbench' in its metadata)")
    schema = msgspec.json.decode(text, type=dict[str, Any]).get("schema")
    if schema != ARTIFACT_SCHEMA:
        raise InvalidArtifact(f"schema {schema!r}, this version reads {ARTIFACT_SCHEMA!r}; train it again")
    return msgspec.json.decode(text, type=ArtifactMetadata)
