"""An execution for array libraries: inputs as the library's arrays, trajectories as whatever array it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fhnbench import Effective, Execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench import Ensemble, Workload


@final
class ArrayExecution(Execution):
    """Call a function of three arrays that returns ``states[T, 2, N]``.

    Array libraries allocate their results, so `run` does, too; that is part of what they cost.

    Parameters
    ----------
    workload
        Gives shapes, dtype and precision.
    compute
        From ``u0[N], w0[N], i_app[N]`` to the trajectories, all of them arrays of the library.
    put
        Makes an array of the library, on its device, from one of NumPy, which it must not keep.
    wait
        Returns when an array of the library is complete.
    get
        Returns an array of the library as one of NumPy.
    device
        Name of the device that computes.
    """

    def __init__(
        self,
        workload: Workload,
        compute: Callable[[Any, Any, Any], Any],
        *,
        put: Callable[[NDArray[Any]], Any],
        wait: Callable[[Any], object] = lambda _array: None,
        get: Callable[[Any], NDArray[Any]] = np.asarray,
        device: str = "cpu",
    ) -> None:
        self.effective = Effective(device, workload.precision)
        self._compute, self._put, self._wait, self._get = compute, put, wait, get
        self._inputs = [put(np.zeros(workload.size, workload.dtype)) for _ in range(3)]
        self._states = compute(*self._inputs)  # compiles, where the library does
        wait(self._states)

    def upload(self, ensemble: Ensemble) -> None:
        """Make arrays of the library from the inputs."""
        self._inputs = [self._put(values) for values in (ensemble.u0, ensemble.w0, ensemble.i_app)]

    def run(self) -> None:
        """Call the function; a library that works asynchronously returns before the result is there."""
        self._states = self._compute(*self._inputs)

    def synchronize(self) -> None:
        """Wait for inputs and result."""
        for array in (*self._inputs, self._states):
            self._wait(array)

    def output(self) -> NDArray[Any]:
        """Return the trajectories on the host, C-contiguous."""
        return np.ascontiguousarray(self._get(self._states))

    def close(self) -> None:
        """Do nothing: the arrays are freed with this object."""
