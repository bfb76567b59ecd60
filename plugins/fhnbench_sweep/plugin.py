"""What this plugin declares."""

from fhnbench import CommandSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_commands() -> list[CommandSpec]:
    """Declare ``fhnbench sweep``."""
    return [
        CommandSpec(
            name="sweep",
            target="fhnbench_sweep.command:command",
            summary="Plan, train and analyse many architectures: the paper's study of 800 networks.",
        )
    ]
