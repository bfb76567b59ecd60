"""Exit statuses of the command line; README.md lists them for users."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command's exit status says."""

    OK = 0
    INTERNAL = 1
    """A bug: something that no message was written for."""
    USER_ERROR = 2
    """Wrong arguments or a file that cannot be used; one line says what to do."""
    DID_NOT_RUN = 3
    """A contender that was named did not run; its row says why."""
    GATE_FAILED = 4
    """An accuracy gate or a conformance check failed."""
    SLOWER = 5
    """A comparison found a regression in speed."""
    LESS_ACCURATE = 6
    """A comparison found a regression in accuracy (and maybe in speed)."""
    INCONCLUSIVE = 7
    """A comparison found no regression, and could not rule one out."""
    INCOMPARABLE = 8
    """Two records do not answer the same question; what differs is printed."""
    INTERRUPTED = 130
    """Ctrl-C; what was measured until then is written."""
