"""What this plugin declares."""

from fhnbench import SurrogateSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_surrogates() -> list[SurrogateSpec]:
    """Declare the family ``fitted``."""
    return [
        SurrogateSpec(
            name="fitted",
            target="fhnbench_fitted.family:Fitted",
            summary="fitted integrator: Runge-Kutta steps with trained coefficients, chained to the horizon",
            artifacts="fhnbench_fitted",
        )
    ]
