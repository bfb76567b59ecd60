"""What goes wrong, by what a caller can do about it. Each message is one line: what, where, and the remedy."""

from __future__ import annotations

_QUOTES_A_TRACEBACK = "Traceback (most recent call last):"


class FhnbenchError(Exception):
    """Something the user can put right; the command line prints the message and exits with status 2."""


class Refused(FhnbenchError):
    """A contender declines a workload (a step that does not divide the save interval, a precision it lacks)."""


class Unavailable(FhnbenchError):
    """A contender cannot run on this machine (a missing package or device)."""


def one_line(error: BaseException) -> str:
    """Return what an exception of someone else's code says, as one line.

    That is the first line of its message; if it quotes a traceback, as libraries do that call back into Python, the
    first line after the last one.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    quoted = [number for number, line in enumerate(lines) if _QUOTES_A_TRACEBACK in line]
    raised = [line for line in lines[quoted[-1] + 1 :] if not line.startswith(" ")] if quoted else []
    return raised[0] if raised else ": ".join([type(error).__name__, *lines[:1]])
