"""Engines on disk: made here, for this very GPU, TensorRT and network, and read from nowhere else."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from fhnbench import cache_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class EngineKey:
    """All that an engine depends on.

    Parameters
    ----------
    artifact
        Digest of the artifact.
    model
        Digest of the ONNX model, which has the precision, the shape and the passes of a call in it.
    tensorrt
        Version of TensorRT.
    gpu, capability
        Name and compute capability of the GPU.
    precision, tf32
        Precision of the layers.
    columns, passes
        Shape of the inputs, and passes of a call.
    build
        Number of the build.
    """

    artifact: str
    model: str
    tensorrt: str
    gpu: str
    capability: str
    precision: str
    tf32: bool
    columns: int
    passes: int
    build: int

    @property
    def file_name(self) -> str:
        """A name that differs if anything differs, and that says in its first part which artifact it is."""
        digest = hashlib.sha256(msgspec.json.encode(asdict(self), order="sorted")).hexdigest()
        return f"{self.artifact[:12]}-{digest[:40]}.engine"


def engine_file(key: EngineKey) -> Path:
    """Return the file of an engine; it may not exist."""
    return cache_folder("tensorrt") / key.file_name


def load_engine(key: EngineKey) -> bytes | None:
    """Return the engine of a key, or None if there is none or its file is damaged."""
    try:
        content = engine_file(key).read_bytes()
    except OSError:
        return None
    digest, engine = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return engine if hashlib.sha256(engine).digest() == digest else None


def store_engine(key: EngineKey, engine: bytes) -> None:
    """Write an engine, whole; raises `FhnbenchError` if the cache folder cannot be written to."""
    write_whole(engine_file(key), hashlib.sha256(engine).digest() + engine)
