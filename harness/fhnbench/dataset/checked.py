"""Typed access to a dataset file: what is not as the format has it is refused with the file and the place."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.dataset.layout import REMEDY, UNITS, InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import h5py
    from numpy.typing import NDArray

_NO_DATASET = "give a dataset, or build one with 'fhnbench dataset build'"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class CheckedFile:
    """An open dataset file, whose parts come as the types they must have.

    Parameters
    ----------
    path
        Where the file is, for messages.
    file
        The open file.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file

    def invalid(self, place: str, what: str) -> InvalidDataset:
        """Return the error to raise for a place in the file."""
        return InvalidDataset(f"{self.path}: {place} {what}; {REMEDY}")

    def text(self, owner: str, name: str) -> str:
        """Return a text attribute of the object at path `owner`."""
        value = self._attribute(owner, name)
        if value.dtype.kind != "S" or value.shape != ():
            found = f"{value.dtype}{list(value.shape)}"
            raise self.invalid(f"{owner}@{name}", f"is of type {found}, not fixed-length ASCII text")
        return bytes(value[()]).decode("ascii", errors="replace")

    def integer(self, owner: str, name: str) -> int:
        """Return an int64 attribute."""
        return int(self._numbers(owner, name, "i", ())[()])

    def number(self, owner: str, name: str) -> float:
        """Return a finite float64 attribute."""
        return float(self._numbers(owner, name, "f", ())[()])

    def pair(self, owner: str, name: str) -> tuple[float, float]:
        """Return an attribute of two finite float64."""
        low, high = self._numbers(owner, name, "f", (2,))
        return float(low), float(high)

    def array(self, path: str, shape: tuple[int | None, ...]) -> h5py.Dataset:
        """Return the dataset at `path`, float64, in the format's units and of a shape (None: any positive length)."""
        import h5py

        item = self._item(path)
        if not isinstance(item, h5py.Dataset):
            raise self.invalid(path, "is a group, not an array")
        if item.dtype.kind != "f" or item.dtype.itemsize != 8:
            raise self.invalid(path, f"is of type {item.dtype}, not float64")
        if len(item.shape) != len(shape) or not all(
            length == wanted if wanted else length > 0 for length, wanted in zip(item.shape, shape, strict=True)
        ):
            wanted = ", ".join("any" if length is None else str(length) for length in shape)
            raise self.invalid(path, f"has shape {list(item.shape)}, not [{wanted}]")
        if (units := self.text(path, "units")) != UNITS:
            raise self.invalid(f"{path}@units", f"is {units!r}, not {UNITS!r}")
        return item

    def values(self, path: str, length: int | None) -> NDArray[np.float64]:
        """Return a vector of finite values."""
        values: NDArray[np.float64] = np.asarray(self.array(path, (length,)), np.float64)
        self.require_finite(path, values)
        return values

    def require_finite(self, path: str, values: NDArray[np.float64], leading: tuple[int, ...] = ()) -> None:
        """Raise unless `values`, which begin at the index `leading` of the array at `path`, are all finite."""
        if not np.isfinite(values).all():
            index = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
            raise self.invalid(f"{path}[{', '.join(map(str, leading + index))}]", f"is {values[index]}")

    def _numbers(self, owner: str, name: str, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
        value = self._attribute(owner, name)
        if value.dtype.kind != kind or value.dtype.itemsize != 8 or value.shape != shape:
            wanted = f"{'int64' if kind == 'i' else 'float64'}{list(shape)}"
            raise self.invalid(f"{owner}@{name}", f"is of type {value.dtype}{list(value.shape)}, not {wanted}")
        if not np.isfinite(value).all():
            raise self.invalid(f"{owner}@{name}", f"is {value}; it must be finite")
        return value

    def _attribute(self, owner: str, name: str) -> NDArray[Any]:
        attributes = self._item(owner).attrs
        if name not in attributes:
            raise self.invalid(f"{owner}@{name}", "is missing")
        return np.asarray(attributes[name])

    def _item(self, path: str) -> Any:
        if path not in self.file:
            raise self.invalid(path, "is missing")
        return self.file[path]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[CheckedFile]:
    """Open a file for reading; whatever HDF5 has to say against it becomes one line.

    Raises
    ------
    InvalidDataset
        If the file cannot be opened, is not HDF5, is open for writing, or HDF5 cannot read some part of it.
    """
    import h5py

    try:
        with path.open("rb") as raw:
            signature = raw.read(len(_SIGNATURE))
    except OSError as error:
        raise InvalidDataset(f"{path}: {error.strerror}; {_NO_DATASET}") from None
    if signature != _SIGNATURE:
        raise InvalidDataset(f"{path}: is not an HDF5 file; {_NO_DATASET}")
    try:
        with h5py.File(path, "r") as file:
            yield CheckedFile(path, file)
    except BlockingIOError:
        raise InvalidDataset(f"{path}: another program has it open for writing; close it there") from None
    # What h5py raises for a damaged file depends on where the damage is.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise InvalidDataset(f"{path}: {_damage(error)}; {REMEDY}") from error


def _damage(error: Exception) -> str:
    """Put what HDF5 says about a damaged file into plain words."""
    text = " ".join(str(error.args[-1] if error.args else error).split())
    if sizes := re.search(r"\beof = (\d+).*\bstored_eof = (\d+)", text):
        return f"is truncated: {int(sizes[1]):,} of {int(sizes[2]):,} bytes are there"
    return f"is damaged: HDF5 cannot read it ({text})"
