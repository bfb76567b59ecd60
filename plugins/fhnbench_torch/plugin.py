"""What this plugin declares."""

from fhnbench import RuntimeSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``torch``."""
    return [
        RuntimeSpec(
            name="torch",
            target="fhnbench_torch.runtime:Torch",
            summary="PyTorch evaluates the network, in chunks of samples",
            requires=("torch",),
            extra="torch",
        )
    ]
