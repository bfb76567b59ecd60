"""Myokit, the tool of cell electrophysiology: it compiles the model and integrates it by CVODES of SUNDIALS."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import myokit
import numpy as np

from fhnbench import Unavailable
from fhnbench_peers.steps import OneByOne

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import FitzHughNagumo, Workload

_MODEL = """[[model]]
cell.u = 0
cell.w = 0

[engine]
time = 0 bind time

[cell]
i_app = 0
dot(u) = {c!r} * (u - u^3 / 3 - w) + i_app
dot(w) = (u + {a!r} - {b!r} * w) / {tau!r}
"""
_LOGGED = ["cell.u", "cell.w"]


@final
@dataclass(frozen=True)
class Cvode(OneByOne):
    """CVODES of SUNDIALS through Myokit, implicit, of variable order, one sample after the other.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    largest
        Most samples that it takes on: each takes some milliseconds.
    """

    rtol: float = 1e-6
    atol: float = 1e-6

    def integrator(self, workload: Workload) -> Callable[[Any, Any], Any]:
        """Compile, and return the integrator of a sample."""
        simulation, times = _simulation(workload.model), workload.times
        end = times[-1] + 1e-6 * workload.save_interval  # what it logs ends before

        def integrate(start: Any, current: Any) -> Any:
            simulation.set_tolerance(self.atol, self.rtol)
            simulation.reset()
            simulation.set_state(start)
            simulation.set_constant("cell.i_app", current)
            found = simulation.run(end, log=_LOGGED, log_times=times)
            return np.transpose([found[name] for name in _LOGGED])

        return integrate


@functools.cache
def _simulation(model: FitzHughNagumo) -> Any:
    text = _MODEL.format(a=model.a, b=model.b, c=model.c, tau=model.tau)
    try:
        return myokit.Simulation(myokit.parse_model(text))
    except myokit.CompilationError as error:
        found = re.search("fatal error: .*", str(error))
        reason = found[0] if found else "its compiler fails"
        raise Unavailable(
            f"Myokit cannot compile its simulation ({reason}); it needs a C compiler and SUNDIALS with its headers "
            f"(Debian: apt-get install gcc libsundials-dev), or their place in myokit.ini"
        ) from None
