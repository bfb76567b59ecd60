"""Another Python interpreter whose workers speak our protocol: another revision's, or one with other packages."""

from __future__ import annotations

import fnmatch
import json
import subprocess
from typing import TYPE_CHECKING, Any

from fhnbench.errors import FhnbenchError
from fhnbench.measure import protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START_TIMEOUT_S = 120.0

_ASK = """
import json, sys
import fhnbench, fhnbench.measure.worker
from fhnbench.measure import protocol
from fhnbench.measure.environment import environment
print(json.dumps([fhnbench.__file__, getattr(protocol, "VERSION", None), environment(sys.argv[1:])]))
"""


def ask_interpreter(
    interpreter: str, who: str, remedy: str, distributions: Iterable[str] = ()
) -> tuple[str, dict[str, Any]]:
    """Return where an interpreter has fhnbench, and the environment that it reports.

    Parameters
    ----------
    interpreter
        Path of a Python interpreter.
    who
        What messages call it.
    remedy
        What to do if it speaks another version of the protocol.
    distributions
        Distributions whose versions the environment holds.

    Raises
    ------
    FhnbenchError
        If it does not start or has no fhnbench, or its workers speak another version of the protocol.
    """
    command = [interpreter, "-c", _ASK, *distributions]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FhnbenchError(f"{who} does not start: {error}") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise FhnbenchError(f"{who} does not start: {reason}")
    file, version, environment = json.loads(done.stdout.splitlines()[-1])
    if version != protocol.VERSION:
        spoken = f"protocol {version}" if version else "a protocol without a version"
        raise FhnbenchError(f"workers of {who} speak {spoken}, these {protocol.VERSION}; {remedy}")
    return str(file), dict(environment)


def interpreter_of(contender: str, interpreters: Mapping[str, str]) -> str | None:
    """Return the interpreter of the last pattern that a contender's name matches, or None for this one."""
    matching = [path for pattern, path in interpreters.items() if fnmatch.fnmatch(contender, pattern)]
    return matching[-1] if matching else None
