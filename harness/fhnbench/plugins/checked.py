"""Which contenders of third parties passed `fhnbench check` on this machine: a stamp each, in the user's cache."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fhnbench.files import cache_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from fhnbench.plugins.contender import Request

OWN = "fhnbench"
"""The distribution whose contenders our own tests check."""


def stamp(request: Request) -> None:
    """Note that a contender passed.

    Raises
    ------
    FhnbenchError
        If the cache cannot be written to.
    """
    if foreign(request):
        write_whole(_file(request), f"{request.name}: {foreign(request)}\n")


def unchecked(request: Request) -> str:
    """Return the remark on a contender of which a part is a third party's and was not checked here; empty if it was."""
    if not (parts := foreign(request)) or _file(request).exists():
        return ""
    return f"its plugin {parts} was not checked here: fhnbench check {request.name}"


def foreign(request: Request) -> str:
    """Return the third parties' distributions that provide a contender, with their versions."""
    plugins = {(entry.plugin.distribution, entry.plugin.version) for entry in request.entries}
    return " and ".join(f"{name} {version}" for name, version in sorted(plugins) if name != OWN)


def _file(request: Request) -> Path:
    """Return the stamp's file; another version of the plugin has another."""
    key = f"{request.name}: {foreign(request)}"
    return cache_folder("checked") / hashlib.sha256(key.encode()).hexdigest()
