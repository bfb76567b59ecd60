"""Whether two sides of a comparison answer the same question, and if not, what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fhnbench.results.record import EffectiveRecord, RunRecord


class Difference(msgspec.Struct, frozen=True):
    """Something that differs: what it is, and what it is on either side."""

    what: str
    base: str
    candidate: str
    machine: bool = False

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.what}: {self.base} and {self.candidate}"


MACHINE = ("cpu", "cpus", "last_level_cache_bytes")
"""Keys of the environment that name a machine; a GPU is named by what computed on it."""

_ASKED: dict[str, Callable[[RunRecord], Any]] = {
    "problem": lambda record: record.problem.name,
    "ranges, horizon or model": lambda record: msgspec.to_builtins(record.problem),
    "dataset": lambda record: record.dataset.digest[:12],
    "samples": lambda record: record.dataset.size,
    "precision": lambda record: record.settings.precision,
    "threads": lambda record: record.settings.threads,
    "cold caches": lambda record: record.settings.cold,
}


def differences(base: Sequence[RunRecord], candidate: Sequence[RunRecord]) -> list[Difference]:
    """Return what differs between two sides: what was asked, then the machine.

    A side of several records that differ among themselves is itself no side: that is a difference too.
    """
    found = []
    for what, get in _ASKED.items():
        if difference := _difference(what, _distinct(map(get, base)), _distinct(map(get, candidate))):
            found.append(difference)
            if what == "problem":  # whose ranges differ anyway
                break
    for describe, machine in ((_computes, False), (_device, True)):
        ours, theirs = _effective(candidate, describe), _effective(base, describe)
        both = [name for name in theirs if name in ours]
        computed = [_difference(name, theirs[name], ours[name], machine=machine) for name in both]
        found += [difference for difference in computed if difference]
    for key in MACHINE:
        below, above = (_distinct(record.environment.get(key) for record in side) for side in (base, candidate))
        if difference := _difference(key.removesuffix("_bytes").replace("_", " "), below, above, machine=True):
            found.append(difference)
    return found


def _effective(records: Iterable[RunRecord], describe: Callable[[EffectiveRecord], str]) -> dict[str, list[str]]:
    """Return how each contender that ran is described."""
    found: dict[str, list[str]] = {}
    for record in records:
        for row in record.rows:
            if row.effective:
                found.setdefault(row.contender, []).append(describe(row.effective))
    return {contender: _distinct(texts) for contender, texts in found.items()}


def _computes(effective: EffectiveRecord) -> str:
    return f"{effective.precision} on {'the CPU' if effective.device == 'cpu' else 'a GPU'}"


def _device(effective: EffectiveRecord) -> str:
    return "" if effective.device == "cpu" else effective.device


def _distinct(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values))


def _difference(what: str, base: list[str], candidate: list[str], *, machine: bool = False) -> Difference | None:
    if (base == candidate and len(base) == 1) or (machine and "" in (*base, *candidate)):
        return None
    return Difference(what, " or ".join(base), " or ".join(candidate), machine)
