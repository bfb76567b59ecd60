"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success flush it to disk and rename it to `path`, else remove it.

    Raises
    ------
    FhnbenchError
        If the folder cannot be made or written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = path.parent / name
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FhnbenchError(f"cannot write {path}: {error.strerror or error}") from error


def require_writable(folder: Path) -> None:
    """Raise unless files can be written to a folder, which is made if it is missing: before work that would be lost.

    Raises
    ------
    FhnbenchError
        If they cannot.
    """
    if folder.exists() and not folder.is_dir():
        raise FhnbenchError(f"{folder} is a file, not a folder; give another")
    made = not folder.exists()
    probe = folder / ".writable"
    with replacing(probe):
        pass
    probe.unlink()
    if made:
        folder.rmdir()


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def cache_folder(name: str) -> Path:
    """Return the folder for what can be made again (compiled kernels, engines), in the user's cache; it may not exist.

    Parameters
    ----------
    name
        What is kept there.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fhnbench" / name
