"""What this plugin declares."""

from fhnbench import SurrogateSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_surrogates() -> list[SurrogateSpec]:
    """Declare the family ``pinn``."""
    return [
        SurrogateSpec(
            name="pinn",
            target="fhnbench_pinn.family:PhysicsInformed",
            summary="physics-informed network: the state at t from (t, u0, w0, I), trained on the equations",
            artifacts="fhnbench_pinn",
        )
    ]
