"""A worker's side of its pipes: read a request, answer it, until there are no more."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fhnbench.errors import FhnbenchError, Refused, Unavailable, one_line
from fhnbench.measure import protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec


def serve(requests: msgspec.json.Decoder[Any], answer: Callable[[Any], Any]) -> None:
    """Answer requests on the standard streams that this process was started with.

    Whatever a plugin prints goes to standard error. The process ends when its standard input closes, and on Linux when
    the coordinator dies. An exception that `answer` raises is the answer.

    Parameters
    ----------
    requests
        Decodes a line.
    answer
        Takes a request and returns a reply, a msgspec Struct.
    """
    _die_with_parent()
    reading, writing = _take_standard_streams()
    for line in reading:
        writing.write(protocol.encoder.encode(_reply(answer, requests.decode(line))) + b"\n")
        writing.flush()


def _reply(answer: Callable[[Any], Any], asked: Any) -> Any:
    try:
        return answer(asked)
    except Refused as error:
        return protocol.Failed("refused", str(error))
    except Unavailable as error:
        return protocol.Failed("unavailable", str(error))
    except FhnbenchError as error:
        return protocol.Failed("invalid", str(error))
    except Exception as error:  # noqa: BLE001 - a plugin's code: whatever it raises becomes its row
        return protocol.Failed("failed", one_line(error), traceback.format_exc())


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the coordinator is gone, even inside a hanging kernel (Linux)."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)


def _take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for the protocol; what a plugin prints goes to standard error, and it reads nothing."""
    reading, writing = os.dup(0), os.dup(1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
