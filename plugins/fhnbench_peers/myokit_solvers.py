"""Myokit, the tool of cell electrophysiology: it compiles the model and integrates it by CVODES of SUNDIALS."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import myokit
import numpy as np

from fhnbench import HostExecution, Unavailable
from fhnbench_peers.steps import Adaptive, require_few

if TYPE_CHECKING:
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
class Cvode(Adaptive):
    """CVODES of SUNDIALS through Myokit, implicit, of variable order, one sample after the other.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    largest
        Most samples that it takes on: each takes some milliseconds.
    """

    order: ClassVar[int] = 5
    stages: ClassVar[int] = 1

    rtol: float = 1e-6
    atol: float = 1e-6
    largest: int = 2000

    def prepare(self, workload: Workload) -> HostExecution:
        """Compile; refuses every precision but float64, and large ensembles."""
        workload.require_precision("float64")
        require_few(workload, self.largest)
        simulation, times = _simulation(workload.model), workload.times
        end = times[-1] + 1e-6 * workload.save_interval  # what it logs ends before

        def integrate(u0: Any, w0: Any, i_app: Any, states: Any) -> None:
            simulation.set_tolerance(self.atol, self.rtol)
            for sample in range(u0.size):
                start = u0[sample], w0[sample]
                simulation.reset()
                simulation.set_state(start)
                simulation.set_constant("cell.i_app", i_app[sample])
                found = simulation.run(end, log=_LOGGED, log_times=times)
                states[:, :, sample] = np.transpose([found[name] for name in _LOGGED])
                states[0, :, sample] = start

        return HostExecution(workload, integrate)


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
