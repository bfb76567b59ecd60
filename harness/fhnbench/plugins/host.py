"""An execution for contenders that compute on the CPU, synchronously, with a function over arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fhnbench.arrays import aligned_full
from fhnbench.plugins.interfaces import Effective, Execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble
    from fhnbench.workload import Workload


@final
class HostExecution(Execution):
    """Run ``kernel(u0, w0, i_app, states)`` on host arrays that begin at multiples of `fhnbench.ALIGNMENT`.

    Parameters
    ----------
    workload
        Gives shapes, dtype and precision.
    kernel
        Reads the three inputs (``[N]``, the workload's dtype) and fills ``states[T, 2, N]``, the first save point
        included, or ``features[F, N]``, whichever the workload asks for. It has returned when the work is done.
    """

    def __init__(self, workload: Workload, kernel: Callable[[Any, Any, Any, Any], object]) -> None:
        self.effective = Effective("cpu", workload.precision)
        self._kernel = kernel
        self._inputs = [aligned_full((workload.size,), 0, workload.dtype) for _ in range(3)]
        self._states = aligned_full(workload.shape, np.nan, workload.dtype)

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs into this execution's own arrays."""
        for own, given in zip(self._inputs, (ensemble.u0, ensemble.w0, ensemble.i_app), strict=True):
            np.copyto(own, given, casting="same_kind")

    def run(self) -> None:
        """Compute all trajectories."""
        u0, w0, i_app = self._inputs
        self._kernel(u0, w0, i_app, self._states)

    def synchronize(self) -> None:
        """Do nothing: `run` returned when the work was done."""

    def output(self) -> NDArray[Any]:
        """Return the trajectories (this execution's own array)."""
        return self._states

    def close(self) -> None:
        """Do nothing: the arrays are freed with this object."""
