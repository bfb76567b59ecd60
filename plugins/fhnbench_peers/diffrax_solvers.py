"""diffrax as its documentation has it: `diffeqsolve` for one sample, `jax.vmap` over samples, `jax.jit` around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np

from fhnbench import EULER, HEUN, Tableau
from fhnbench_peers.jax_arrays import jax_execution
from fhnbench_peers.steps import MOST_STEPS, Adaptive, FixedStep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Execution, Workload


@dataclass(frozen=True)
class _FixedStep(FixedStep):
    """What the methods with a fixed step have in common."""

    method: ClassVar[str]

    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Compile; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        step = workload.save_interval / workload.substeps(self.dt)
        return _execution(workload, self.device, self.method, step)


@final
@dataclass(frozen=True)
class Euler(_FixedStep):
    """Euler's method of diffrax.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER
    method: ClassVar[str] = "Euler"

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Heun(_FixedStep):
    """Heun's method of diffrax.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN
    method: ClassVar[str] = "Heun"

    dt: float = 0.25


@final
@dataclass(frozen=True)
class Tsit5(Adaptive):
    """Tsitouras' method of fifth order of diffrax, each sample with steps of its own.

    Parameters
    ----------
    rtol, atol
        Tolerances of a step, relative and absolute.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = 5
    stages: ClassVar[int] = 6

    rtol: float = 1e-3
    atol: float = 1e-6
    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Compile; refuses float16 and bfloat16, and at last tolerances that cannot be met."""
        workload.require_precision("float32", "float64")
        return _execution(workload, self.device, "Tsit5", None, self)


def _execution(
    workload: Workload, device: str, method: str, step: float | None, adaptive: Tsit5 | None = None
) -> Execution:
    model, times, dtype = workload.model, workload.times.astype(workload.dtype), workload.dtype.type

    def compute(u0: Any, w0: Any, i_app: Any) -> Any:
        import diffrax
        import jax
        from jax import numpy as jnp

        controller = (
            diffrax.PIDController(adaptive.rtol, adaptive.atol, norm=_norm) if adaptive else diffrax.ConstantStepSize()
        )

        def one(u: Any, w: Any, current: Any) -> Any:
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(lambda _t, state, given: model.derivative(state[0], state[1], given)),
                getattr(diffrax, method)(),
                t0=dtype(times[0]),
                t1=dtype(times[-1]),
                dt0=None if step is None else dtype(step),
                y0=(u, w),
                args=current,
                saveat=diffrax.SaveAt(ts=jnp.asarray(times)),
                stepsize_controller=controller,
                max_steps=MOST_STEPS if step is None else round(float(times[-1]) / step) + 1,
                throw=False,  # what was not reached is infinite, and `get` says so in a line
            )
            return jnp.stack(solution.ys)

        states = jnp.moveaxis(jax.vmap(one)(u0, w0, i_app), 0, -1).swapaxes(0, 1)
        return states.at[0].set(jnp.stack([u0, w0]))  # interpolated, it is not the initial state to the last bit

    def get(array: Any) -> NDArray[Any]:
        states = np.asarray(array)
        unfinished = ~np.isfinite(states).all(axis=(0, 1))
        if adaptive and unfinished.any():
            raise adaptive.gave_up(int(unfinished.sum()), workload)
        return states

    return jax_execution(workload, device, compute, get)


def _norm(error: Any) -> Any:
    """Return diffrax's own norm, and infinity in place of nan.

    In float32 the stages of a long trial step overflow. diffrax rejects a step whose error is nan, but makes the next
    one nan times as long.
    """
    import optimistix
    from jax import numpy as jnp

    size = optimistix.rms_norm(error)
    return jnp.where(jnp.isnan(size), jnp.inf, size)
