"""A worker seen from the coordinator: started, asked, waited for no longer than allowed, and never outlived."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, BinaryIO, Generic, Self, TypeVar

import msgspec

from fhnbench.measure import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

REASON_LENGTH = 300

GRACE_S = 10.0
"""Time in which a process that has closed its pipes must end."""

Reply = TypeVar("Reply")


class WorkerLost(Exception):
    """A worker crashed or answered something that is no reply."""


class WorkerTimeout(Exception):
    """A worker did not answer in time."""


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: thread pools of a given size that do not spin while they are idle."""
    pools = (
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "GOMP_SPINCOUNT": "0"}
    return {**os.environ, **dict.fromkeys(pools, str(threads)), **quiet}


class WorkerProcess(Generic[Reply]):
    """One worker process.

    Parameters
    ----------
    threads
        Size of its thread pools.
    module
        The worker's program, run with ``python -m``; it calls `fhnbench.measure.serving.serve`.
    replies
        Decodes its replies.
    interpreter
        The Python interpreter that runs it.
    arguments
        Its command line.

    Notes
    -----
    It is the leader of a session of its own: Ctrl-C reaches the coordinator alone, and whatever the worker started is
    killed with it.
    """

    def __init__(
        self,
        threads: int,
        module: str,
        replies: msgspec.json.Decoder[Reply],
        interpreter: str = sys.executable,
        arguments: Sequence[str] = (),
    ) -> None:
        self._replies = replies
        self._closed = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [interpreter, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=worker_environment(threads),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, asked: msgspec.Struct, timeout_s: float) -> Reply:
        """Send a request and return the reply.

        Raises
        ------
        WorkerTimeout
            If there is none within `timeout_s` seconds. The worker is killed.
        WorkerLost
            If the worker died (the message says how, with the last line of its standard error) or wrote garbage.
        """
        try:
            self._requests.write(protocol.encoder.encode(asked) + b"\n")
            self._requests.flush()
        except OSError:
            raise WorkerLost(self._obituary()) from None
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            self.close()
            raise WorkerTimeout(f"no answer within {timeout_s:g} s; allow more with --timeout") from None
        if not line:
            raise WorkerLost(self._obituary())
        try:
            return self._replies.decode(line)
        except msgspec.MsgspecError as error:
            self.close()
            raise WorkerLost(f"the worker answered something that is no reply ({error})") from None

    def close(self) -> None:
        """Kill the worker and all that it started; safe to call twice."""
        if self._closed:
            return  # another process may have its number by now
        self._closed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._requests.close()
        self._errors.close()

    def _read(self, pipe: BinaryIO) -> None:
        with pipe:
            for line in pipe:
                self._lines.put(line)
        self._lines.put(b"")

    def _obituary(self) -> str:
        """Return how the worker ended, and end what it left."""
        try:
            code = self._process.wait(GRACE_S)
            how = f"its process ended with exit status {code}"
            if code < 0:
                how = f"its process was killed by {signal.Signals(-code).name}"
        except subprocess.TimeoutExpired:
            how = "its process closed its pipes and went on"
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        self.close()
        return how + (f": {last[0][:REASON_LENGTH]}" if last else "")
