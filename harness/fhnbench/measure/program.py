"""What a contender's worker runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass

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
    """

    interpreter: str = sys.executable
    module: str = protocol.WORKER
    arguments: tuple[str, ...] = ()


OWN = Program()
"""The worker of this interpreter and this revision."""
