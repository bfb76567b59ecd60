"""A network prepared for a workload: the samples shared out, and every pass of every chunk bound to its arrays."""

from __future__ import annotations

import itertools
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fhnbench import Effective, Execution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench import Ensemble, Network, Workload
    from fhnbench_onnxruntime.session import CpuSession

CHUNKS = (512, 1024, 2048, 4096, 8192)
"""Sizes to choose from: calls dominate the time of smaller ones, and larger ones leave the cache."""

_ROUNDS = 4
_TRIAL_PASSES = 2


@final
class OnnxExecution(Execution):
    """Evaluate a network pass by pass, a chunk of samples at a time, straight into the trajectories.

    Each thread takes chunks of its own through all passes, so that a chunk's activations stay in one core's cache.

    Parameters
    ----------
    session
        One pass of the network, as `export_onnx` gives it.
    network
        How passes make up trajectories.
    workload
        Sizes, dtype and number of threads.
    chunk
        Most samples that are evaluated together; None: the fastest of `CHUNKS`, measured here.
    """

    def __init__(self, session: CpuSession, network: Network, workload: Workload, chunk: int | None) -> None:
        self.effective = Effective("cpu", workload.precision)
        self._session, self._network = session, network
        self._size, self._threads, self._save_points = workload.size, workload.threads, workload.save_points
        passes = network.passes(workload.save_points)
        # The last pass may reach beyond the horizon. Everything is touched here, so that page faults of the first run
        # are not counted as computation.
        self._states = np.full((1 + passes * network.pass_points, 2, workload.size), np.nan, workload.dtype)
        self._states[0] = 0.0
        self._inputs = np.zeros((3, workload.size), workload.dtype)
        self._times = workload.times.astype(workload.dtype)
        self._pool = ThreadPoolExecutor(workload.threads)
        self._shares = self._calls(workload.size, chunk or self._fastest_chunk(), passes)

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs into this execution's own array."""
        for own, given in zip(self._inputs, (ensemble.u0, ensemble.w0, ensemble.i_app), strict=True):
            np.copyto(own, given, casting="same_kind")

    def run(self) -> None:
        """Evaluate all passes of all chunks; the first thread's share in the calling thread."""
        self._states[0] = self._inputs[:2]
        self._evaluate(self._shares)

    def synchronize(self) -> None:
        """Do nothing: `run` returned when the work was done."""

    def output(self) -> NDArray[Any]:
        """Return the trajectories (this execution's own array)."""
        return self._states[: self._save_points]

    def close(self) -> None:
        """End the threads; the arrays are freed with this object."""
        self._pool.shutdown()

    def _evaluate(self, shares: Sequence[Sequence[Any]]) -> None:
        others = [self._pool.submit(self._session.run, share) for share in shares[1:]]
        self._session.run(shares[0])
        for other in others:
            other.result()

    def _calls(self, size: int, chunk: int, passes: int) -> list[list[Any]]:
        """Return the calls of each thread that take the first samples through the first passes."""
        return [
            [self._call(samples, number) for samples in chunks for number in range(passes)]
            for chunks in share_out(size, self._threads, chunk)
        ]

    def _call(self, samples: slice, number: int) -> Any:
        """Return the call that evaluates one pass, counted from 0, of a chunk."""
        points = self._network.pass_points
        following = number * points + 1
        begin = 0 if self._network.scheme == "direct" else following - 1
        u, w = self._states[begin, :, samples]
        inputs = {"t": self._times[following : following + 1], "u": u, "w": w, "i_app": self._inputs[2, samples]}
        outputs = [row for state in self._states[following : following + points, :, samples] for row in state]
        return self._session.bind(inputs, outputs)

    def _fastest_chunk(self) -> int:
        """Return the size of chunks with which the first passes over some samples take the least time."""
        size = min(self._size, self._threads * CHUNKS[-1])
        passes = min(_TRIAL_PASSES, self._network.passes(self._save_points))
        share = -(-size // self._threads)
        trials = {chunk: self._calls(size, chunk, passes) for chunk in sorted({min(chunk, share) for chunk in CHUNKS})}
        least_s = dict.fromkeys(trials, math.inf)
        for _ in range(_ROUNDS if len(trials) > 1 else 0):
            for chunk, shares in trials.items():
                self._evaluate(shares)  # as in a run, a chunk finds the memory that others of its size left in cache
                least_s[chunk] = min(least_s[chunk], self._timed(shares))
        return min(trials, key=least_s.__getitem__)

    def _timed(self, shares: Sequence[Sequence[Any]]) -> float:
        begin = time.perf_counter()
        self._evaluate(shares)
        return time.perf_counter() - begin


def share_out(size: int, threads: int, chunk: int) -> list[list[slice]]:
    """Split samples into chunks that differ by one sample at most, as many for each thread.

    Parameters
    ----------
    size, threads, chunk
        Number of samples, of threads, and of samples that a chunk may hold.

    Returns
    -------
    list of list of slice
        The chunks of each thread that has any, adjacent and in order.
    """
    count = min(size, threads * -(-size // (threads * chunk)))
    bounds = [size * number // count for number in range(count + 1)]
    chunks = [slice(start, stop) for start, stop in itertools.pairwise(bounds)]
    shares = [chunks[count * thread // threads : count * (thread + 1) // threads] for thread in range(threads)]
    return [share for share in shares if share]
