"""Going on with a run: only where everything that its figures depend on is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench.dataset.reader import Dataset
    from fhnbench.results.record import RunRecord

_MACHINE = ("cpu", "cpus", "memory_bytes", "last_level_cache_bytes", "os", "python", "packages", "git")
"""Of the environment, what must be equal; load and frequency come and go."""


def require_same(
    record: RunRecord, dataset: Dataset, settings: Mapping[str, object], environment: Mapping[str, Any]
) -> None:
    """Raise unless a run can be gone on with.

    Parameters
    ----------
    record
        The run.
    dataset
        What it would go on with.
    settings
        Settings that the user gave, by name; the others are the run's own.
    environment
        That of this process.

    Raises
    ------
    FhnbenchError
        If a setting, the dataset, the machine or a package differs; the message names each difference.
    """
    found = [
        f"{name} was {was!r}, is {value!r}"
        for name, value in settings.items()
        if (was := getattr(record.settings, name)) != value
    ]
    if record.dataset.digest != dataset.digest:
        found.append(f"the dataset was {record.dataset.digest[:12]}, is {dataset.digest[:12]} ({dataset.path})")
    now = msgspec.to_builtins(environment)
    for key in _MACHINE:
        found += _differences(key, record.environment.get(key), now.get(key))
    if found:
        raise FhnbenchError(f"the run cannot be resumed: {'; '.join(found)}; start another one")


def _differences(key: str, was: Any, now: Any) -> list[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        return [
            line
            for name in sorted(was.keys() | now.keys())
            for line in _differences(name, was.get(name), now.get(name))
        ]
    return [] if was == now else [f"{key} was {was}, is {now}"]
