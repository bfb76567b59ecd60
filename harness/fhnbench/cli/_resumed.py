"""What a run that is resumed takes over from the earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord, Settings


def earlier_run(resume: Path | None, output: Path | None) -> RunRecord | None:
    """Return the record of the run to resume, if one is."""
    from fhnbench.results.store import read_record

    if resume and output:
        raise FhnbenchError("--resume writes to the folder of the run; leave out --output")
    if resume is None:
        return None
    earlier = read_record(resume)
    for remnant in resume.glob(".*.tmp"):  # of a run that was killed while it wrote
        remnant.unlink()
    return earlier


def settings_of(earlier: RunRecord, dataset: Dataset, size: int, typed: Mapping[str, Any]) -> Settings:
    """Return the settings of an earlier run; raises if what was typed, or the machine, differs."""
    from fhnbench.measure.environment import environment
    from fhnbench.results.resume import require_same

    if size != earlier.dataset.size:
        raise FhnbenchError(f"the run cannot be resumed: its size was {earlier.dataset.size}, is {size}")
    require_same(earlier, dataset, typed, environment(earlier.environment["packages"]))
    return earlier.settings


def contenders_of_both(earlier: RunRecord, added: Sequence[Request]) -> list[Request]:
    """Return the contenders of an earlier run and those that are added."""
    from fhnbench.plugins.contender import request_or_absent
    from fhnbench.plugins.registry import registry

    found = [request_or_absent(row.contender, row.kind, registry()) for row in earlier.rows]
    return list({one.label: one for one in [*found, *added]}.values())
