"""The state of a training on disk: written whole, read without executing anything."""

from __future__ import annotations

import hashlib
import io
import pickle
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from fhnbench.errors import FhnbenchError
from fhnbench.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = "fhnbench.checkpoint/1"


def fingerprint(*parts: Any) -> str:
    """Return a digest of everything that a training depends on, so that it is not resumed as another one."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def save_checkpoint(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write the state (tensors, numbers, strings, and dicts, lists and tuples of them), whole or not at all."""
    buffer = io.BytesIO()
    torch.save({"schema": _SCHEMA, "identity": identity, "state": state}, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path, identity: str, device: str) -> dict[str, Any] | None:
    """Return the state of a training, or None if there is no file.

    Raises
    ------
    FhnbenchError
        If the file is no checkpoint, is damaged, or belongs to another training.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FhnbenchError(f"{path}: not a readable checkpoint ({reason}); delete it to start anew") from None
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise FhnbenchError(f"{path}: not a checkpoint of this version; delete it to start anew")
    if content["identity"] != identity:
        raise FhnbenchError(
            f"{path}: the checkpoint of another training (network, recipe, seed, data or device differ); "
            f"repeat that command to go on with it, or delete it"
        )
    state: dict[str, Any] = content["state"]
    return state
