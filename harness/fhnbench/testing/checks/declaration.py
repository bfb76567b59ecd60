"""That a plugin declares what it has, at no cost to those who only list it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from fhnbench.testing.outcome import ConformanceFailure, NotApplicable

if TYPE_CHECKING:
    from fhnbench.testing.subject import Subject

_LONGEST = 100
_TIMEOUT_S = 60

_PROGRAM = """
import sys
from fhnbench.plugins.registry import registry
registry()
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
_HEAVY = ("torch", "numba", "jax", "tensorflow", "scipy", "pandas", "matplotlib", "cupy", "tensorrt", "onnxruntime")


def check_declaration(subject: Subject) -> None:
    """Check that it has a summary of one line, and that listing plugins imports neither its code nor a framework.

    Every command imports the modules that declare plugins, so whatever they import slows every command down, and what
    fails to import there quarantines all that the plugin has.
    """
    if not subject.entries:
        raise NotApplicable("it was made by hand; no plugin declares it")
    for entry in subject.entries:
        summary = entry.spec.summary
        if not summary.strip() or "\n" in summary or len(summary) > _LONGEST:
            raise ConformanceFailure(
                f"the summary of {entry.spec.name} is {summary!r}, not one line of up to {_LONGEST} characters"
            )
    targets = [entry.spec.target.partition(":")[0] for entry in subject.entries]
    command = [sys.executable, "-c", _PROGRAM, *targets, *_HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if done.returncode:
        raise ConformanceFailure(f"listing plugins fails: {done.stderr.strip().splitlines()[-1]}")
    if imported := done.stdout.split():
        raise ConformanceFailure(f"listing plugins imports {', '.join(imported)}")
