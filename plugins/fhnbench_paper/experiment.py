"""What an experiment is: settings, a measurement, and verdicts that follow from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import msgspec

    from fhnbench_paper.record import Finding
    from fhnbench_paper.tables import Table


@dataclass(frozen=True, slots=True)
class Context:
    """What an experiment is given.

    Parameters
    ----------
    seed
        Every random number follows from it.
    work
        Folder for what a repeated command takes up again; removed when the experiment is complete.
    report
        Called now and then with what is going on and the fraction of the experiment that is done.
    threads
        CPU threads that may be used.
    """

    seed: int
    work: Path
    report: Callable[[str, float], None]
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an experiment gives.

    Parameters
    ----------
    figures
        Everything that was measured.
    findings
        The paper's statements with the verdicts that follow from the figures.
    table
        The figures that a reader looks for first.
    picture
        A PNG.
    """

    figures: msgspec.Struct
    findings: tuple[Finding, ...]
    table: Table
    picture: bytes


class Experiment(ABC):
    """An experiment; subclass it as a frozen dataclass whose fields are its settings, the full form by default."""

    @classmethod
    @abstractmethod
    def quick(cls) -> Self:
        """Return the form that takes less than two minutes on two cores."""

    @abstractmethod
    def measure(self, context: Context) -> Outcome:
        """Run the experiment.

        Raises
        ------
        FhnbenchError
            If something that it needs is missing; the message says what to do.
        """
