"""Solvers that look faster, or better, than they are once they are timed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fhnbench import Cost
from mutants.base import Heun, Wrapped, Wrapping

if TYPE_CHECKING:
    from fhnbench import Ensemble, Workload


class _RemembersResults(Wrapping):
    def __init__(self, workload: Workload, inner: Any) -> None:
        super().__init__(workload, inner)
        self.results: dict[bytes, Any] = {}
        self.key = b""

    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        self.key = b"".join(array.tobytes() for array in (ensemble.u0, ensemble.w0, ensemble.i_app))

    def run(self) -> None:
        if self.key not in self.results:
            super().run()
            self.results[self.key] = self.inner.output().copy()
        self.last = self.results[self.key]

    def output(self) -> Any:
        return self.last


@dataclass(frozen=True)
class RemembersResults(Wrapped):
    """A solver that looks up inputs that it has seen."""

    execution = _RemembersResults


class _RunsOnce(Wrapping):
    fresh = False

    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        self.fresh = True

    def run(self) -> None:
        if self.fresh:
            super().run()
        self.fresh = False


@dataclass(frozen=True)
class RunsOnce(Wrapped):
    """A solver that computes once an upload, however often it is run."""

    execution = _RunsOnce


class _ReturnsEarly(Wrapping):
    """Computes in a thread, which begins once somebody has looked: no machine is so busy that nothing is left to do."""

    thread: threading.Thread | None = None

    def upload(self, ensemble: Ensemble) -> None:
        self.join()
        super().upload(ensemble)

    def run(self) -> None:
        self.join()
        self.looked = threading.Event()
        self.thread = threading.Thread(target=self.compute, args=(self.looked,))
        self.thread.start()

    def compute(self, looked: threading.Event) -> None:
        looked.wait()
        self.inner.run()

    def synchronize(self) -> None:
        """Forget to wait."""

    def output(self) -> Any:
        if self.thread and self.looked.is_set():
            self.join()
        states = self.inner.output().copy()
        if self.thread:
            self.looked.set()
        return states

    def join(self) -> None:
        if self.thread:
            self.looked.set()
            self.thread.join()

    def close(self) -> None:
        self.join()


@dataclass(frozen=True)
class ReturnsEarly(Wrapped):
    """A solver that goes on in a thread after it said that it was ready."""

    execution = _ReturnsEarly


_LONG_S = 0.1


class _WrongStream(_ReturnsEarly):
    def compute(self, looked: threading.Event) -> None:
        looked.wait()
        time.sleep(_LONG_S)
        self.inner.run()

    def output(self) -> Any:
        self.join()
        return self.inner.output()


@dataclass(frozen=True)
class WrongStream(Wrapped):
    """A solver that waits for another queue than the one it computes in; only fetching waits for the right one."""

    execution = _WrongStream


@dataclass(frozen=True)
class EverySecondPoint(Heun):
    """A solver that computes every second save point and draws lines between them."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[1:-1:2] = (states[0:-2:2] + states[2::2]) / 2


@dataclass(frozen=True)
class RepeatsPoints(Heun):
    """A solver that saves every second state twice."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[3::2] = states[2:-1:2]


class _Tires(Wrapping):
    """Knows an audit by its look at what no run has computed, and is right for two more: its last, the first timed."""

    has_run = False
    looks: int | None = None
    honest: ClassVar[int] = 2

    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        self.has_run = False

    def run(self) -> None:
        super().run()
        self.has_run = True

    def output(self) -> Any:
        states = self.inner.output()
        if not self.has_run:
            self.looks = 0
        elif self.looks is not None:
            self.looks += 1
            if self.looks > self.honest:
                states[1:] *= 0.9
        return states


@dataclass(frozen=True)
class Tires(Wrapped):
    """A solver that is right as long as it thinks that someone looks."""

    execution = _Tires


class _KeepsOutputs(Wrapping):
    def __init__(self, workload: Workload, inner: Any) -> None:
        super().__init__(workload, inner)
        self.kept: list[Any] = []

    def run(self) -> None:
        super().run()
        self.kept.append(np.ones(2**20))


@dataclass(frozen=True)
class KeepsOutputs(Wrapped):
    """A solver that holds more memory after each run."""

    execution = _KeepsOutputs


class _LeavesCycles(Wrapping):
    def run(self) -> None:
        super().run()
        cycle: list[Any] = [np.ones(2**20)]
        cycle.append(cycle)


@dataclass(frozen=True)
class LeavesCycles(Wrapped):
    """An honest solver whose memory is not free before Python's collector runs."""

    execution = _LeavesCycles


@dataclass(frozen=True)
class Boasts(Heun):
    """A solver that declares a million times the work it does, to be close to its roofline."""

    def cost(self, workload: Workload) -> Cost:
        true = super().cost(workload)
        return Cost(1e6 * true.operations, true.bytes)
