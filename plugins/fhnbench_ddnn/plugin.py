"""What this plugin declares."""

from fhnbench import SurrogateSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_surrogates() -> list[SurrogateSpec]:
    """Declare the family ``ddnn``."""
    return [
        SurrogateSpec(
            name="ddnn",
            target="fhnbench_ddnn.family:DataDriven",
            summary="data-driven network: the state at t from (t, u0, w0, I), one pass a save point",
            artifacts="fhnbench_ddnn",
        )
    ]
