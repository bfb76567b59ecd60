"""The file format: version, units, chunks and digest. datasets/README.md specifies it for other languages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py
    from numpy.typing import NDArray

FORMAT: Final = "fhnbench.dataset"
FORMAT_VERSION: Final = 1
UNITS: Final = "1"
"""Units of every array: the FitzHugh-Nagumo model is dimensionless."""

LONG_NAMES: Final = {
    "/inputs/u0": "initial membrane potential",
    "/inputs/w0": "initial recovery variable",
    "/inputs/i_app": "applied current",
    "/times": "time of each save point",
    "/reference/states": "reference trajectories [save point, variable (u, w), sample]",
    "/training/states": "training trajectories [save point, variable (u, w), sample]",
}

NOT_IN_DIGEST: Final = frozenset({"/@content_sha256", "/@created", "/@package_version"})
"""Attributes of the root that are the digest itself, or say when and by what the file was written."""

REMEDY: Final = "remove it and build it again with 'fhnbench dataset build'"

_LARGEST_CHUNK = 8192


class InvalidDataset(FhnbenchError):
    """A file is no dataset, is damaged, of another version, or contradicts itself."""


def states_chunks(size: int) -> tuple[int, int, int]:
    """Return the chunk shape of ``states[T, 2, N]``: one save point of at most 8,192 samples.

    Errors and the digest read save points, training reads samples; neither then reads much that it does not need.
    Chunks are equal but for rounding, so that the last is not mostly empty.
    """
    return 1, 2, -(-size // -(-size // _LARGEST_CHUNK))


def content_digest(file: h5py.File, progress: Callable[[float], None] | None = None) -> str:
    """Return the SHA-256 of all that a file says, as hexadecimal digits.

    What is hashed does not depend on chunks, on the byte order of numbers or on the library that wrote the file.

    Parameters
    ----------
    file
        An open dataset; it is read one save point at a time.
    progress
        Called with the share that is done, from 0 to 1.

    Raises
    ------
    InvalidDataset
        If the file holds something else than float64, int64 and text.
    """
    entries = _entries(file)
    total = sum(entry.size for entry in entries.values())
    done = 0
    sha = hashlib.sha256()
    for path in sorted(entries.keys() - NOT_IN_DIGEST):
        entry = entries[path]
        if entry.dtype.kind == "S":
            text = bytes(entry[()])
            sha.update(f"{path} text {len(text)}\n".encode() + text)
            continue
        if entry.dtype.kind not in "fi" or entry.dtype.itemsize != 8:
            raise InvalidDataset(
                f"{file.filename}: {path} is of type {entry.dtype}, not float64, int64 or text; {REMEDY}"
            )
        sha.update(" ".join([path, entry.dtype.name, *map(str, entry.shape)]).encode() + b"\n")
        for part in _parts(entry):
            sha.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")).data)
            done += part.size
            if progress is not None:
                progress(done / total)
    return sha.hexdigest()


def _entries(file: h5py.File) -> dict[str, Any]:
    """Return every dataset by its path, and every attribute, as an array, by its owner's path, ``@`` and its name."""
    import h5py

    entries: dict[str, Any] = {}

    def collect(path: str, item: h5py.Group | h5py.Dataset) -> None:
        entries.update({f"{path}@{name}": np.asarray(value) for name, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            entries[path] = item

    collect("/", file)
    file.visititems(lambda name, item: collect(f"/{name}", item))
    return entries


def _parts(entry: h5py.Dataset | NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array in order, a large one by the indices of its first axis."""
    if len(entry.shape) < 3:
        yield entry[()]
    else:
        yield from entry
