"""What goes wrong, by what a caller can do about it. Each message is one line: what, where, and the remedy."""

from __future__ import annotations


class FhnbenchError(Exception):
    """Something the user can put right; the command line prints the message and exits with status 2."""


class Refused(FhnbenchError):
    """A contender declines a workload (a step that does not divide the save interval, a precision it lacks)."""


class Unavailable(FhnbenchError):
    """A contender cannot run on this machine (a missing package or device)."""
