"""One trained surrogate: weights and everything that is needed to evaluate it and to train it again.

An artifact is a single safetensors file: float32 tensors, as its structure names them, and in the header's metadata
under the key ``fhnbench`` the JSON text of `ArtifactMetadata`, under the key ``sha256`` the digest of that text and of
the tensors in order of their names. It is never a pickle, and it is written whole and then renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.errors import FhnbenchError, Refused
from fhnbench.files import write_whole
from fhnbench.problem import Problem
from fhnbench.structure import InvalidArtifact, Network, Structure

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ARTIFACT_SCHEMA = "fhnbench.artifact/2"


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
    structure: Structure
    training: TrainingRecord
    validation: dict[str, float]
    schema: str = ARTIFACT_SCHEMA


@dataclass(frozen=True, eq=False)
class Artifact:
    """A trained surrogate in memory.

    Parameters
    ----------
    metadata
        Family, problem, structure, training and validation errors.
    tensors
        float32 arrays, by the names that the structure gives them.

    Raises
    ------
    InvalidArtifact
        If the tensors do not fit the structure, or hold values that are not finite.
    """

    metadata: ArtifactMetadata
    tensors: Mapping[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        shapes = self.structure.tensor_shapes
        if odd := set(self.tensors) ^ set(shapes):
            raise InvalidArtifact(f"its tensors are not those of its structure: {', '.join(sorted(odd))}")
        for name, shape in shapes.items():
            tensor = self.tensors[name]
            if tensor.shape != shape or tensor.dtype != np.float32:
                raise InvalidArtifact(f"{name} is {tensor.dtype}{list(tensor.shape)}, not float32{list(shape)}")
            if not np.isfinite(tensor).all():
                raise InvalidArtifact(f"{name} holds values that are not finite")
        for fault in self.structure.faults(self.tensors):
            raise InvalidArtifact(fault)

    @classmethod
    def of_layers(
        cls,
        metadata: ArtifactMetadata,
        weights: Sequence[NDArray[np.float32]],
        biases: Sequence[NDArray[np.float32]],
    ) -> Artifact:
        """Return the artifact of a network from the weights ``[out, in]`` and biases ``[out]`` of its layers."""
        groups = ("weight", weights), ("bias", biases)
        return cls(metadata, {f"layers.{k}.{name}": tensor for name, group in groups for k, tensor in enumerate(group)})

    @property
    def structure(self) -> Structure:
        """What the tensors stand for, as data."""
        return self.metadata.structure

    @property
    def network(self) -> Network:
        """The structure, if it is a network.

        Raises
        ------
        Refused
            If it is not; for runtimes that evaluate networks only.
        """
        if not isinstance(self.structure, Network):
            kind = type(self.structure).__name__.lower()
            raise Refused(f"networks only; this surrogate of the family {self.metadata.family} is an {kind}")
        return self.structure

    @property
    def weights(self) -> tuple[NDArray[np.float32], ...]:
        """Weights of a network's layers, ``[out, in]``."""
        return self._of_layers("weight")

    @property
    def biases(self) -> tuple[NDArray[np.float32], ...]:
        """Biases of a network's layers, ``[out]``."""
        return self._of_layers("bias")

    @property
    def digest(self) -> str:
        """SHA-256 of the structure and the tensors: equal exactly if the artifact computes the same."""
        return _sha256(msgspec.json.encode(self.structure), self.tensors)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the artifact to a file, whole or not at all."""
        from safetensors.numpy import save

        tensors = {name: np.ascontiguousarray(tensor) for name, tensor in self.tensors.items()}
        text = msgspec.json.encode(self.metadata)
        write_whole(Path(path), save(tensors, metadata={"fhnbench": text.decode(), "sha256": _sha256(text, tensors)}))

    def _of_layers(self, name: str) -> tuple[NDArray[np.float32], ...]:
        return tuple(self.tensors[f"layers.{layer}.{name}"] for layer in range(len(self.network.activations)))


def load_artifact(path: str | os.PathLike[str]) -> Artifact:
    """Read an artifact.

    Raises
    ------
    InvalidArtifact
        If the file is missing, truncated, no artifact, of another version, its tensors do not fit its structure, or
        its content is not what was written. The message names the file.
    """
    with _opened(path) as file:
        metadata = _metadata_of(file)
        artifact = Artifact(metadata, {name: _tensor(file, name) for name in file.keys()})  # noqa: SIM118
        text, digest = (file.metadata().get(key) for key in ("fhnbench", "sha256"))
        if digest != _sha256(text.encode(), artifact.tensors):
            raise InvalidArtifact("its content does not have the digest that it was written with; it is damaged")
        return artifact


def load_metadata(path: str | os.PathLike[str]) -> ArtifactMetadata:
    """Read what an artifact says of itself, without its tensors; raises as `load_artifact` does, but for those."""
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


def _sha256(text: bytes, tensors: Mapping[str, NDArray[np.float32]]) -> str:
    """Return the digest of a text and of tensors in the order of their names."""
    sha = hashlib.sha256(text)
    for name in sorted(tensors):
        sha.update(tensors[name].tobytes())
    return sha.hexdigest()
