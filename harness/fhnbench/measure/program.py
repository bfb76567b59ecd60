"""What a contender's worker runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fhnbench.measure import protocol


@dataclass(frozen=True)
class Program:
    """A worker's program: a module that speaks `fhnbench.measure.protocol`, and the interpreter that runs it.

    Parameters
    ----------
    interpreter
        A Python interpreter; with another one, another revision of fhnbench can be measured in the same run.
    module
        Run with ``python -m``.
    arguments
        Its command line.
    moved
        Folders of this revision and of the program's: it has its own version of a file below the first.
    foreign
        Whether the interpreter has packages of its own, so that it alone can tell what is available.
    """

    interpreter: str = sys.executable
    module: str = protocol.WORKER
    arguments: tuple[str, ...] = ()
    moved: tuple[str, str] | None = None
    foreign: bool = False

    def own(self, file: Path) -> Path:
        """Return the program's own version of a file of this revision, or the file where it has none."""
        if self.moved is None or not file.is_relative_to(self.moved[0]):
            return file
        there = Path(self.moved[1], file.relative_to(self.moved[0]))
        return there if there.exists() else file


OWN = Program()
"""The worker of this interpreter and this revision."""
