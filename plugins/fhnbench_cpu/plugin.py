"""What this plugin declares."""

from fhnbench import RuntimeSpec, SolverSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_solvers() -> list[SolverSpec]:
    """Declare the explicit Runge-Kutta methods."""
    methods = {
        "euler-cpu": ("Euler", "forward Euler, order 1"),
        "midpoint-cpu": ("Midpoint", "explicit midpoint method, order 2"),
        "heun-cpu": ("Heun", "Heun's method (explicit trapezoidal rule), order 2"),
        "rk3-cpu": ("Heun3", "Heun's third-order method, order 3"),
        "rk4-cpu": ("RungeKutta4", "classical Runge-Kutta method, order 4"),
    }
    return [
        SolverSpec(name=name, target=f"fhnbench_cpu.solvers:{cls}", summary=f"{summary}; vectors and threads")
        for name, (cls, summary) in methods.items()
    ]


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``cpu``."""
    return [
        RuntimeSpec(
            name="cpu",
            target="fhnbench_cpu.runtime:CpuRuntime",
            summary="fused kernels on vectors and threads, without torch",
        )
    ]
