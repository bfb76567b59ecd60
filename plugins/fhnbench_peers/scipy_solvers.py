"""SciPy's `solve_ivp`, in float64, as it always computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from scipy.integrate import solve_ivp

from fhnbench import HostExecution
from fhnbench_peers.steps import Adaptive, OneByOne

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Workload


@final
@dataclass(frozen=True)
class Dop853(Adaptive):
    """DOP853 of order 8 on the whole ensemble as one state; all samples share their steps.

    The tolerances hold for the root mean square over the ensemble, so single samples may err by more.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    """

    order: ClassVar[int] = 8
    stages: ClassVar[int] = 12

    rtol: float = 1e-3
    atol: float = 1e-6

    def prepare(self, workload: Workload) -> HostExecution:
        """Return an execution; refuses every precision but float64."""
        workload.require_precision("float64")
        model, times = workload.model, workload.times

        def integrate(u0: Any, w0: Any, i_app: Any, states: Any) -> None:
            def derivative(_t: float, state: Any) -> Any:
                u, w = state.reshape(2, -1)
                return np.concatenate(model.derivative(u, w, i_app))

            start = np.concatenate([u0, w0])
            found = solve_ivp(
                derivative, (0.0, times[-1]), start, "DOP853", t_eval=times, rtol=self.rtol, atol=self.atol
            )
            states.reshape(len(times), -1)[:] = found.y.T
            states[0] = u0, w0

        return HostExecution(workload, integrate)


@final
@dataclass(frozen=True)
class Lsoda(OneByOne):
    """LSODA, which switches between a stiff and a non-stiff method, one sample after the other.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    largest
        Most samples that it takes on: each takes some milliseconds.
    """

    rtol: float = 1e-3
    atol: float = 1e-6

    def integrator(self, workload: Workload) -> Callable[[Any, Any], Any]:
        """Return the integrator of a sample."""
        model, times = workload.model, workload.times

        def derivative(_t: float, state: Any, current: float) -> tuple[float, float]:
            du, dw = model.derivative(state[0], state[1], current)
            return du, dw

        def integrate(start: Any, current: Any) -> Any:
            found = solve_ivp(
                derivative,
                (0.0, times[-1]),
                start,
                "LSODA",
                t_eval=times,
                args=(current,),
                rtol=self.rtol,
                atol=self.atol,
            )
            return found.y.T

        return integrate
