"""What a record can be written as: a module each, found by its name, with a function `export`.

The first line of a module's docstring says what it is; underscores in its name are hyphens in the format's.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord


def format_names() -> list[str]:
    """Return the names of all formats."""
    return sorted(name.replace("_", "-") for _, name, _ in pkgutil.iter_modules(__path__))


def export(record: RunRecord, name: str) -> str:
    """Return a record as text in a format.

    Raises
    ------
    FhnbenchError
        If there is no such format.
    """
    if name not in format_names():
        raise FhnbenchError(f"no format {name!r}; there are {', '.join(format_names())}")
    text: str = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").export(record)
    return text
