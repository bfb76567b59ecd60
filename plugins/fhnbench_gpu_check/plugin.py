"""What this plugin declares."""

from fhnbench import CommandSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_commands() -> list[CommandSpec]:
    """Declare ``fhnbench gpu-check``."""
    return [
        CommandSpec(
            name="gpu-check",
            target="fhnbench_gpu_check.command:command",
            summary="Check and measure everything that runs on this machine's NVIDIA GPU, in one command.",
        )
    ]
