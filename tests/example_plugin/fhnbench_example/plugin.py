"""What this distribution adds to fhnbench; this module is imported by every command, so it imports nothing else."""

from fhnbench import RuntimeSpec, SolverSpec, SurrogateSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_solvers() -> list[SolverSpec]:
    """Declare the solver ``ab2-example``."""
    return [
        SolverSpec(
            name="ab2-example",
            target="fhnbench_example.ab2:AdamsBashforth2",
            summary="two-step Adams-Bashforth in NumPy, order 2",
        )
    ]


@hookimpl
def fhnbench_surrogates() -> list[SurrogateSpec]:
    """Declare the family ``elm``; with the runtime ``cpu`` it makes the contender ``elm-cpu``."""
    return [
        SurrogateSpec(
            name="elm",
            target="fhnbench_example.family:RandomFeatures",
            summary="random hidden layer, output layer by least squares, iterative",
        )
    ]


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``example``; with the family ``ddnn`` it makes the contender ``ddnn-example``."""
    return [
        RuntimeSpec(
            name="example",
            target="fhnbench_example.runtime:NumPyRuntime",
            summary="networks in NumPy, layer after layer",
        )
    ]
