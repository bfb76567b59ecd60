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
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Network, Workload
    from fhnbench_onnxruntime.session import CpuSession

CHUNKS = (512, 1024, 2048, 4096, 8192, 16384)
"""Sizes to choose from: calls dominate the time of smaller ones, and larger ones leave the cache."""

_ROUNDS = 4


@final
class OnnxExecution(Execution):
    """Evaluate a network pass by pass, a chunk of samples at a time, straight into the trajectories.

    Each thread takes chunks of its own through all passes, so that a chunk's activations stay in one core's cache.

    Parameters
    ----------
    session
        One pass of the network, as `export_pass` gives it.
    network
        How passes make up trajectories.
    workload
        Sizes, dtype and number of threads.
    chunk
        Most samples that are evaluated together; None: the fastest of `CHUNKS`, measured here.
    """

    def __init__(self, session: CpuSession, network: Network, workload: Workload, chunk: int | None) -> None:
        self.effective = Effective("cpu", workload.precision)
        self._session, self._network, self._save_points = session, network, workload.save_points
        passes = network.passes(workload.save_points)
        # The last pass may reach beyond the horizon. Everything is touched here, so that page faults of the first run
        # are not counted as computation.
        self._states = np.full((1 + passes * network.pass_points, 2, workload.size), np.nan, workload.dtype)
        self._states[0] = 0.0
        self._inputs = np.zeros((3, workload.size), workload.dtype)
        self._times = workload.times.astype(workload.dtype)
        chunk = chunk or self._fastest_chunk(-(-workload.size // workload.threads))
        self._shares = [
            [self._call(samples, number) for samples in chunks for number in range(passes)]
            for chunks in share_out(workload.size, workload.threads, chunk)
        ]
        self._pool = ThreadPoolExecutor(len(self._shares))

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs into this execution's own array."""
        for own, given in zip(self._inputs, (ensemble.u0, ensemble.w0, ensemble.i_app), strict=True):
            np.copyto(own, given, casting="same_kind")

    def run(self) -> None:
        """Evaluate all passes of all chunks; the first thread's share in the calling thread."""
        self._states[0] = self._inputs[:2]
        others = [self._pool.submit(self._session.run, share) for share in self._shares[1:]]
        self._session.run(self._shares[0])
        for other in others:
            other.result()

    def synchronize(self) -> None:
        """Do nothing: `run` returned when the work was done."""

    def output(self) -> NDArray[Any]:
        """Return the trajectories (this execution's own array)."""
        return self._states[: self._save_points]

    def close(self) -> None:
        """End the threads; the arrays are freed with this object."""
        self._pool.shutdown()

    def _call(self, samples: slice, number: int) -> Any:
        """Return the call that evaluates one pass, counted from 0, of a chunk."""
        points = self._network.pass_points
        following = number * points + 1
        begin = 0 if self._network.scheme == "direct" else following - 1
        u, w = self._states[begin, :, samples]
        inputs = {"t": self._times[following : following + 1], "u": u, "w": w, "i_app": self._inputs[2, samples]}
        outputs = [row for state in self._states[following : following + points, :, samples] for row in state]
        return self._session.bind(inputs, outputs)

    def _fastest_chunk(self, share: int) -> int:
        """Return the size whose first pass over the same samples took the least time; `share` is a thread's."""
        sizes = sorted({min(size, share) for size in CHUNKS})
        span = sizes[-1]
        calls = {
            size: [self._call(slice(start, min(start + size, span)), 0) for start in range(0, span, size)]
            for size in sizes
        }
        least_s = dict.fromkeys(sizes, math.inf)
        for _ in range(_ROUNDS if len(sizes) > 1 else 0):
            for size in sizes:
                begin = time.perf_counter()
                self._session.run(calls[size])
                least_s[size] = min(least_s[size], time.perf_counter() - begin)
        return min(sizes, key=least_s.__getitem__)


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
