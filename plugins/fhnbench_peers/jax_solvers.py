"""Plain JAX: `jax.lax.scan` over save points, the steps between them unrolled, so that XLA fuses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

from fhnbench import EULER, HEUN, RK4, Tableau
from fhnbench_peers.jax_arrays import jax_execution
from fhnbench_peers.steps import FixedStep, advance

if TYPE_CHECKING:
    from fhnbench import Execution, Workload

_UNROLLED = 10
"""Steps that are written out in the body of a loop; more take long to compile and bring nothing."""


@dataclass(frozen=True)
class JaxSolver(FixedStep):
    """What the methods in JAX have in common."""

    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Compile; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps, tableau, model = workload.substeps(self.dt), self.tableau, workload.model
        dt = workload.save_interval / substeps
        unrolled = max(count for count in range(1, _UNROLLED + 1) if substeps % count == 0)

        def compute(u0: Any, w0: Any, i_app: Any) -> Any:
            from jax import lax
            from jax import numpy as jnp

            def some_steps(_: Any, state: Any) -> Any:
                return advance(tableau, model, state, i_app, dt, unrolled)

            def interval(state: Any, _: Any) -> Any:
                return lax.fori_loop(0, substeps // unrolled, some_steps, state), jnp.stack(state)

            # Each round saves where it begins: one interval too many is computed, and no array is copied.
            return lax.scan(interval, (u0, w0), length=workload.save_points)[1]

        return jax_execution(workload, self.device, compute)


@final
@dataclass(frozen=True)
class Euler(JaxSolver):
    """Euler's method in JAX.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Heun(JaxSolver):
    """Heun's method of second order in JAX.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN

    dt: float = 0.25


@final
@dataclass(frozen=True)
class RungeKutta4(JaxSolver):
    """The classical Runge-Kutta method in JAX.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4

    dt: float = 0.5
