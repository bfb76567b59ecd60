"""A worker whose contender takes longer than it does by a known share, for the self-test: ``-m ... 0.02``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, final

from fhnbench.measure import protocol
from fhnbench.measure.program import Program
from fhnbench.measure.serving import serve
from fhnbench.measure.worker import Answers, ContenderWorker
from fhnbench.plugins.interfaces import Execution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble


def delayed(share: float) -> Program:
    """Return the program of a worker that is slower by a share, as in 0.02."""
    return Program(module=__name__, arguments=(repr(share),))


@final
class DelayedExecution(Execution):
    """An execution whose runs are synchronous, and longer by a share of the time that they take."""

    def __init__(self, execution: Execution, share: float) -> None:
        self.effective = execution.effective
        self.notes = execution.notes
        self._execution = execution
        self._share = share

    def upload(self, ensemble: Ensemble) -> None:
        """Upload."""
        self._execution.upload(ensemble)

    def run(self) -> None:
        """Run, wait for the end, and keep the processor busy for as long again as the share says."""
        start = time.perf_counter()
        self._execution.run()
        self._execution.synchronize()
        until = time.perf_counter()
        until += self._share * (until - start)
        while time.perf_counter() < until:
            pass

    def synchronize(self) -> None:
        """Do nothing more: `run` has waited."""
        self._execution.synchronize()

    def output(self) -> NDArray[Any]:
        """Return the trajectories."""
        return self._execution.output()

    def close(self) -> None:
        """Free what the execution holds."""
        self._execution.close()


if __name__ == "__main__":
    share = float(sys.argv[1])
    serve(
        protocol.requests, Answers(lambda asked: ContenderWorker(asked, lambda inner: DelayedExecution(inner, share)))
    )
