"""Solvers that confuse inputs, samples, runs or executions."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mutants.base import Heun, Wrapped, Wrapping

if TYPE_CHECKING:
    from fhnbench import Ensemble, Workload


class _WritesInputs(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        self.address = ensemble.w0.ctypes.data

    def run(self) -> None:
        super().run()
        ctypes.memset(self.address, 0, self.workload.dtype.itemsize)


@dataclass(frozen=True)
class WritesInputs(Wrapped):
    """A solver whose machine code writes to the inputs, which no flag of NumPy stops."""

    execution = _WritesInputs


class _WritesInputsOpenly(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        ensemble.i_app[0] = 0


@dataclass(frozen=True)
class WritesInputsOpenly(Wrapped):
    """A solver that writes to the inputs by NumPy, which raises."""

    execution = _WritesInputsOpenly


class _Remembers(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        if not hasattr(self, "uploaded"):
            self.uploaded = True
            super().upload(ensemble)


@dataclass(frozen=True)
class RemembersFirstInputs(Wrapped):
    """A solver that computes from the inputs of the first upload for ever."""

    execution = _Remembers


class _RemembersAddress(Wrapping):
    address = 0

    def upload(self, ensemble: Ensemble) -> None:
        if self.address != ensemble.u0.ctypes.data:
            self.address = ensemble.u0.ctypes.data
            super().upload(ensemble)


@dataclass(frozen=True)
class RemembersAddress(Wrapped):
    """A solver that takes inputs at the same address for the same inputs."""

    execution = _RemembersAddress


@dataclass(frozen=True)
class AdvancesInPlace(Heun):
    """A solver whose inputs are the state at the end of the last run."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        first = states[0].copy()
        if np.array_equal(first[0], u0):
            u0[:], w0[:] = states[-1]


@dataclass(frozen=True)
class Noisy(Heun):
    """A solver whose results are a little different each time."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[1:] += np.random.default_rng().normal(scale=1e-4, size=states[1:].shape)


@dataclass(frozen=True)
class ReadsNeighbour(Heun):
    """A solver that reads the current of the sample before."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, np.concatenate([i_app[:1], i_app[:-1]]), states)


@dataclass(frozen=True)
class CentresBatch(Heun):
    """A solver that subtracts the batch's mean current."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app - 0.1 * i_app.mean(), states)


@dataclass(frozen=True)
class DropsRemainder(Heun):
    """A solver that leaves out the samples beyond the last whole block of 8."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        whole = u0.size // 32 * 32
        states[:] = np.stack([u0, w0])
        if whole:
            super().integrate(workload, u0[:whole], w0[:whole], i_app[:whole], states[:, :, :whole])


class _Stale(Wrapping):
    def output(self) -> Any:
        if not hasattr(self, "first"):
            self.first = self.inner.output().copy()
        return self.first


@dataclass(frozen=True)
class StaleOutput(Wrapped):
    """A solver that returns the output of the first run for ever."""

    execution = _Stale


class _Lazy(Wrapping):
    def run(self) -> None:
        pass

    def output(self) -> Any:
        self.inner.run()
        return self.inner.output()


@dataclass(frozen=True)
class ComputesInOutput(Wrapped):
    """A solver that computes nothing until its output is asked for."""

    execution = _Lazy


class _SharesBuffer(Wrapping):
    shared: ClassVar[dict[tuple[int, ...], Any]] = {}

    def run(self) -> None:
        super().run()
        buffer = self.shared.setdefault(self.workload.shape, self.inner.output().copy())
        buffer[:] = self.inner.output()

    def output(self) -> Any:
        return self.shared[self.workload.shape]


@dataclass(frozen=True)
class SharesBuffer(Wrapped):
    """A solver all of whose executions write to one buffer."""

    execution = _SharesBuffer


class _SharesInputs(Wrapping):
    uploaded: ClassVar[Any] = None

    def upload(self, ensemble: Ensemble) -> None:
        type(self).uploaded = ensemble

    def run(self) -> None:
        if self.uploaded.size == self.workload.size:
            self.inner.upload(self.uploaded)
        super().run()


@dataclass(frozen=True)
class SharesInputs(Wrapped):
    """A solver all of whose executions read the inputs that were uploaded last."""

    execution = _SharesInputs


class _Leaks(Wrapping):
    kept: ClassVar[list[Any]] = []

    def close(self) -> None:
        self.kept.append(self.inner.output())


@dataclass(frozen=True)
class Leaks(Wrapped):
    """A solver whose buffers are never freed."""

    execution = _Leaks


class _StillComputing(Wrapping):
    def run(self) -> None:
        super().run()
        self.closed = False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        values = np.ones(100_000)
        while not self.closed:
            np.sin(values, out=values)

    def close(self) -> None:
        self.closed = True
        self.thread.join()
        super().close()


@dataclass(frozen=True)
class StillComputing(Wrapped):
    """A solver that leaves work to a thread for which it does not wait."""

    execution = _StillComputing


class _FreesOutput(Wrapping):
    def close(self) -> None:
        self.inner.output()[:] = 0


@dataclass(frozen=True)
class FreesOutput(Wrapped):
    """A solver whose output is another's memory after close."""

    execution = _FreesOutput
