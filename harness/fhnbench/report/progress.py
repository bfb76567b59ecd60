"""Progress of something long, for a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fhnbench.report.console import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID


class Report:
    """Shows what is going on and how much of it is done; a fraction that falls begins a new phase."""

    def __init__(self, bar: Progress, task: TaskID, what: str) -> None:
        self._bar = bar
        self._task = task
        self._what = what
        self._done = 0.0

    def __call__(self, what: str, fraction: float) -> None:
        """Show `what` at a fraction from 0 to 1."""
        if fraction < self._done:
            self._bar.reset(self._task)
        self._what, self._done = what, fraction
        self._bar.update(self._task, description=what, completed=min(1.0, fraction))

    def fraction(self, fraction: float) -> None:
        """Show a fraction of what is going on."""
        self(self._what, fraction)


@contextlib.contextmanager
def reporting(what: str = "starting") -> Iterator[Report]:
    """Show progress on standard error while the context lasts; silent where that is no terminal."""
    with progress_bar() as bar:
        yield Report(bar, bar.add_task(what, total=1.0), what)
