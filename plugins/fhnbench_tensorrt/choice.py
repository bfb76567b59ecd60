"""Choosing between layouts by measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fhnbench import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench_tensorrt.layout import Layout

BUILD_BUDGET_S = 120.0
"""Once builds have taken so long, no more alternatives are built; what was built is in the cache for the next time."""


class Closable(Protocol):
    """What is released if it is not chosen."""

    def close(self) -> None:
        """Release it."""


Execution = TypeVar("Execution", bound=Closable)


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Execution]):
    """A layout that was prepared and measured: time of a run, and time that its engine's build took, in seconds."""

    execution: Execution
    run_s: float
    built_s: float


def choose(
    layouts: Sequence[Layout], attempt: Callable[[Layout], Attempt[Execution]]
) -> tuple[Execution, tuple[str, ...]]:
    """Return the fastest execution and what a reader should know of it; all others are closed.

    Parameters
    ----------
    layouts
        At least one, the likeliest first.
    attempt
        Prepares and measures one; it may raise `Refused` where another layout may do.

    Raises
    ------
    Refused
        If none could be prepared: what the first one said.
    """
    best: tuple[Layout, Attempt[Execution]] | None = None
    refusals: list[tuple[Layout, Refused]] = []
    built_s, waiting = 0.0, list(layouts)
    while waiting and (built_s <= BUILD_BUDGET_S or best is None):
        layout = waiting.pop(0)
        try:
            found = attempt(layout)
        except Refused as refusal:
            # Its traceback would keep alive what was allocated, which the next may need.
            refusals.append((layout, refusal.with_traceback(None)))
            continue
        built_s += found.built_s
        if best is None or found.run_s < best[1].run_s:
            if best:
                best[1].execution.close()
            best = layout, found
        else:
            found.execution.close()
    if best is None:
        raise refusals[0][1]
    origin = f"engines built in {built_s:.0f} s" if built_s else "engines from the cache"
    rest = f", {len(waiting)} of {len(layouts)} alternatives not built" if waiting else ""
    notes = [f"{best[0]}; {origin}{rest}", *(f"not {layout}: {refusal}" for layout, refusal in refusals)]
    return best[1].execution, tuple(notes)
