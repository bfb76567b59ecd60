"""The ONNX model of an engine: one shape, with names in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import onnx


@dataclass(frozen=True, slots=True)
class StaticModel:
    """An ONNX model for a fixed number of samples.

    Parameters
    ----------
    content
        A serialised ``ModelProto``.
    columns
        Number of samples.
    inputs, outputs
        Names, in order; all are ``[1, columns]`` float32, but the input ``t``, which is ``[1, 1]``.
    """

    content: bytes
    columns: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def shape(self, name: str) -> tuple[int, int]:
        """Return the shape of an input or output."""
        return (1, 1 if name == "t" else self.columns)


def static_model(exported: bytes, columns: int) -> StaticModel:
    """Return a model that `fhnbench.export_onnx` gave, for so many samples and no others."""
    model = onnx.load_from_string(exported)
    for value in [*model.graph.input, *model.graph.output]:
        if value.name != "t":
            value.type.tensor_type.shape.dim[1].dim_value = columns  # in place of the name of a size
    onnx.checker.check_model(model, full_check=True)
    names = [tuple(value.name for value in ends) for ends in (model.graph.input, model.graph.output)]
    return StaticModel(model.SerializeToString(deterministic=True), columns, *names)
