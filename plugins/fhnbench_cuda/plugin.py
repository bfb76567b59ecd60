"""What this plugin declares."""

from fhnbench import ProbeSpec, RuntimeSpec, SolverSpec, hookimpl

FHNBENCH_API = 1


_REQUIRES = ("cuda.bindings", "cuda.core")
_PROBE = "fhnbench_cuda.availability:gpu"


@hookimpl
def fhnbench_solvers() -> list[SolverSpec]:
    """Declare the explicit Runge-Kutta methods."""
    methods = {
        "euler-cuda": ("Euler", "forward Euler, order 1"),
        "midpoint-cuda": ("Midpoint", "explicit midpoint method, order 2"),
        "heun-cuda": ("Heun", "Heun's method (explicit trapezoidal rule), order 2"),
        "rk3-cuda": ("Heun3", "Heun's third-order method, order 3"),
        "rk4-cuda": ("RungeKutta4", "classical Runge-Kutta method, order 4"),
    }
    return [
        SolverSpec(
            name=name,
            target=f"fhnbench_cuda.solvers:{cls}",
            summary=f"{summary}; one kernel on an NVIDIA GPU",
            requires=_REQUIRES,
            extra="cuda",
            probe=_PROBE,
        )
        for name, (cls, summary) in methods.items()
    ]


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``cuda``."""
    return [
        RuntimeSpec(
            name="cuda",
            target="fhnbench_cuda.runtime:CudaRuntime",
            summary="networks in one kernel on an NVIDIA GPU, in 16 bits on tensor cores",
            requires=_REQUIRES,
            extra="cuda",
            probe=_PROBE,
        )
    ]


@hookimpl
def fhnbench_probes() -> list[ProbeSpec]:
    """Declare the probe of the GPU's peaks."""
    return [
        ProbeSpec(
            name="cuda",
            target="fhnbench_cuda.peaks:CudaProbe",
            summary="multiply-adds and stores of an NVIDIA GPU",
            requires=_REQUIRES,
            extra="cuda",
            probe=_PROBE,
        )
    ]
