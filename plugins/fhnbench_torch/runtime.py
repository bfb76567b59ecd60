"""The runtime ``torch``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import Cost, FhnbenchError, Runtime, Unavailable

if TYPE_CHECKING:
    from fhnbench import Artifact, Execution, SurrogateFamily, Workload

_ACTIVATION_OPERATIONS = {
    "identity": 0,
    "relu": 1,
    "sigmoid": 12,
    "tanh": 12,
    "silu": 13,
    "sin": 12,
    "softplus": 24,
}
"""Instructions of one evaluation, roughly: what a polynomial or an exponential costs on vector units."""


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
        """Return the multiply-adds and activations of all passes, and the bytes of inputs and trajectories."""
        network = artifact.network
        activations = sum(
            width * _ACTIVATION_OPERATIONS[name]
            for width, name in zip(network.widths[1:], network.activations, strict=True)
        )
        scaling = len(network.inputs) + network.widths[-1]
        one_pass = network.multiply_adds + activations + scaling
        values = 3 + 2 * workload.save_points
        return Cost(
            operations=float(workload.size * network.passes(workload.save_points) * one_pass),
            bytes=float(workload.size * values * workload.dtype.itemsize),
        )
