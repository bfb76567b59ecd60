"""What this plugin declares."""

from fhnbench import SolverSpec, hookimpl


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
            requires=("cuda.bindings", "cuda.core"),
            extra="cuda",
            probe="fhnbench_cuda.availability:gpu",
        )
        for name, (cls, summary) in methods.items()
    ]
