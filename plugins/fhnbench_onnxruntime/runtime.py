"""The runtime ``ort``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fhnbench import FhnbenchError, Runtime, export_onnx, network_cost

if TYPE_CHECKING:
    from fhnbench import Artifact, Cost, Execution, SurrogateFamily, Workload


@final
@dataclass(frozen=True)
class OnnxRuntime(Runtime):
    """ONNX Runtime with its CPU execution provider, on one pass of the network exported by torch.

    Parameters
    ----------
    chunk
        Most samples that are evaluated together; their activations should stay in cache. By default the fastest of
        a few sizes, measured when the runtime is prepared; results do not depend on it.

    Raises
    ------
    FhnbenchError
        If `chunk` is not positive.
    """

    chunk: int | None = None

    def __post_init__(self) -> None:
        if self.chunk is not None and self.chunk < 1:
            raise FhnbenchError(f"chunk={self.chunk} must be positive")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:
        """Export the family's module, load it into a session, and bind all buffers.

        Raises
        ------
        Refused
            If the precision is one of 16 bits (on a CPU, ONNX Runtime converts to float32 and back), or the family's
            module is not a `NetworkModule` or has no form in ONNX.
        Unavailable
            If the installed ONNX Runtime does not use its CPU provider.
        """
        workload.require_precision("float32", "float64")
        from fhnbench_onnxruntime.execution import OnnxExecution
        from fhnbench_onnxruntime.session import CpuSession

        session = CpuSession(export_onnx(family.module(artifact), workload.precision))
        return OnnxExecution(session, artifact.network, workload, self.chunk)

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the nominal cost of the network."""
        return network_cost(artifact.network, workload)
