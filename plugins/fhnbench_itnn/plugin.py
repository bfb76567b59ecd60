"""What this plugin declares."""

from fhnbench import SurrogateSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_surrogates() -> list[SurrogateSpec]:
    """Declare the family ``itnn``."""
    return [
        SurrogateSpec(
            name="itnn",
            target="fhnbench_itnn.family:Iterative",
            summary="iterative network: the next save point from (u, w, I), chained to the horizon",
            artifacts="fhnbench_itnn",
        )
    ]
