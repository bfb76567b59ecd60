"""The runtime ``torch``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import FhnbenchError, Runtime, Unavailable, network_cost

if TYPE_CHECKING:
    from fhnbench import Artifact, Cost, Execution, SurrogateFamily, Workload


@final
@dataclass(frozen=True)
class Torch(Runtime):
    """PyTorch, eager or compiled, in inference mode.

    Parameters
    ----------
    chunk
        Samples that are evaluated together; their activations should stay in cache.
    compile
        Whether `torch.compile` compiles the evaluation of a chunk (needs a C++ compiler on a CPU).
    device
        ``cpu`` or ``cuda``; a device that is missing is an error.

    Raises
    ------
    FhnbenchError
        If `chunk` is not positive.
    """

    chunk: int = 4096
    compile: bool = False
    device: Literal["cpu", "cuda"] = "cpu"

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise FhnbenchError(f"chunk={self.chunk} must be positive")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:
        """Build the family's module on the device, in the workload's precision, and allocate its buffers."""
        import torch

        from fhnbench_torch.execution import TorchExecution

        if self.device == "cuda" and not torch.cuda.is_available():
            raise Unavailable("torch finds no CUDA device; use device=cpu")
        return TorchExecution(family.module(artifact), workload, self)

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the nominal operations and bytes of one run."""
        return network_cost(artifact.network, workload)
