"""NVIDIA Warp as its documentation has it: a kernel in Python, compiled by Warp, one thread a trajectory.

On a CPU, Warp computes all of a launch in one thread.
"""

# Warp reads the annotations of kernels and functions when they are decorated, so they are no strings here.

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import warp as wp

from fhnbench import EULER, HEUN, RK4, Execution, Tableau, Unavailable, Workload
from fhnbench_peers.array_execution import ArrayExecution
from fhnbench_peers.steps import FixedStep

wp.config.log_level = wp.LOG_WARNING
wp.set_module_options({"enable_backward": False, "fast_math": True})


@wp.func
def _derivative(y: Any, i_app: Any, model: Any) -> Any:
    u, w = y[0], y[1]
    a, b, c, tau = model[0], model[1], model[2], model[3]
    return type(y)(c * (u - u * u * u / type(u)(3.0) - w) + i_app, (u + a - b * w) / tau)


@wp.func
def _euler(y: Any, i_app: Any, model: Any, dt: Any) -> Any:
    return y + dt * _derivative(y, i_app, model)


@wp.func
def _heun(y: Any, i_app: Any, model: Any, dt: Any) -> Any:
    k1 = _derivative(y, i_app, model)
    k2 = _derivative(y + dt * k1, i_app, model)
    return y + type(dt)(0.5) * dt * (k1 + k2)


@wp.func
def _runge_kutta_4(y: Any, i_app: Any, model: Any, dt: Any) -> Any:
    half, two = type(dt)(0.5), type(dt)(2.0)
    k1 = _derivative(y, i_app, model)
    k2 = _derivative(y + half * dt * k1, i_app, model)
    k3 = _derivative(y + half * dt * k2, i_app, model)
    k4 = _derivative(y + dt * k3, i_app, model)
    return y + dt / type(dt)(6.0) * (k1 + two * k2 + two * k3 + k4)


@functools.cache
def _kernel(step: Any) -> Any:
    @wp.kernel
    def integrate(
        u0: wp.array[Any],
        w0: wp.array[Any],
        i_app: wp.array[Any],
        states: wp.array3d[Any],
        model: Any,
        dt: Any,
        substeps: int,
    ) -> None:
        sample = wp.tid()
        current = i_app[sample]
        y = wp.vector(u0[sample], w0[sample])
        states[0, 0, sample] = y[0]
        states[0, 1, sample] = y[1]
        for point in range(1, states.shape[0]):
            for _ in range(substeps):
                y = step(y, current, model, dt)
            states[point, 0, sample] = y[0]
            states[point, 1, sample] = y[1]

    return integrate


@dataclass(frozen=True)
class WarpSolver(FixedStep):
    """What the methods in Warp have in common."""

    step: ClassVar[Any]

    device: Literal["cpu", "cuda"] = "cpu"

    def prepare(self, workload: Workload) -> Execution:
        """Compile; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps = workload.substeps(self.dt)
        if self.device == "cuda" and not wp.is_cuda_available():
            raise Unavailable("Warp finds no CUDA device here; use device=cpu")
        device = wp.get_device(self.device)
        real = {"float32": wp.float32, "float64": wp.float64}[workload.precision]
        given = workload.model
        model = wp.types.vector(length=4, dtype=real)(given.a, given.b, given.c, given.tau)
        dt = real(workload.save_interval / substeps)
        states = wp.empty(workload.shape, dtype=real, device=device)
        kernel = _kernel(type(self).step)

        def compute(u0: Any, w0: Any, i_app: Any) -> Any:
            arguments = [u0, w0, i_app, states, model, dt, substeps]
            wp.launch(kernel, dim=workload.size, inputs=arguments, device=device)
            return states

        return ArrayExecution(
            workload,
            compute,
            put=lambda values: wp.array(values, dtype=real, device=device),
            wait=lambda _array: wp.synchronize_device(device),
            get=lambda array: array.numpy(),
            device=device.name if device.is_cuda else "cpu",
        )


@final
@dataclass(frozen=True)
class Euler(WarpSolver):
    """Euler's method in Warp.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = EULER.order
    tableau: ClassVar[Tableau] = EULER
    step: ClassVar[Any] = _euler

    dt: float = 0.1


@final
@dataclass(frozen=True)
class Heun(WarpSolver):
    """Heun's method of second order in Warp.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = HEUN.order
    tableau: ClassVar[Tableau] = HEUN
    step: ClassVar[Any] = _heun

    dt: float = 0.25


@final
@dataclass(frozen=True)
class RungeKutta4(WarpSolver):
    """The classical Runge-Kutta method in Warp.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    device
        ``cpu`` or ``cuda``.
    """

    order: ClassVar[int] = RK4.order
    tableau: ClassVar[Tableau] = RK4
    step: ClassVar[Any] = _runge_kutta_4

    dt: float = 0.5
