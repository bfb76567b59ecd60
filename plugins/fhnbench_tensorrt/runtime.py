"""The runtime ``trt``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import FhnbenchError, Refused, Runtime, network_cost
from fhnbench_tensorrt.layout import MOST_ROWS

if TYPE_CHECKING:
    from fhnbench import Artifact, Cost, Execution, SurrogateFamily, Workload


@final
@dataclass(frozen=True)
class TensorRT(Runtime):
    """TensorRT on the first NVIDIA GPU: one engine of fixed shape, enqueued on a stream of its own.

    Networks are strongly typed: the precision is that of the ONNX model, and TensorRT changes none. In float16 and
    bfloat16 the layers compute in 16 bits; states, normalisation and increments are float32. In float32 no TF32 is used
    unless it is asked for.

    To install TensorRT 10 or 11 (Linux or Windows; a GPU and NVIDIA's driver, 580 or later for CUDA 13):

        pip install 'fhnbench[tensorrt]'

    That package fetches TensorRT's libraries from NVIDIA's own package index, which must be reachable. Where pip may
    not build packages, give it that index by --extra-index-url, as NVIDIA's installation guide for TensorRT has it.

    The first preparation builds engines, which takes seconds to minutes; give `fhnbench run` a longer --timeout if need
    be. Engines are kept in the user's cache folder (fhnbench/tensorrt), by artifact, TensorRT version, GPU, precision,
    shape and `build`; they are loaded from nowhere else.

    Parameters
    ----------
    chunk
        Most samples of a call, up to 65,536. By default the fastest of a few sizes, measured when the runtime is
        prepared.
    rollout
        For iterative networks, ``unrolled``: all passes are one engine; ``loop``: an engine of one pass is called again
        and again; ``measured``: whichever is faster here. Other networks have a call for each save point.
    graph
        Whether a run is captured once and replayed as one CUDA graph.
    tf32
        Whether matrix products of precision float32 round their factors to 10 bits (TF32, on tensor cores).
    build
        Number of the build. TensorRT chooses kernels by timing them, so two builds of one network differ in speed:
        compare ``ddnn-trt``, ``ddnn-trt[build=2]`` and ``ddnn-trt[build=3]`` in one run to see by how much.

    Raises
    ------
    FhnbenchError
        If `chunk` or `build` is out of range.
    """

    chunk: int | None = None
    rollout: Literal["measured", "unrolled", "loop"] = "measured"
    graph: bool = True
    tf32: bool = False
    build: int = 1

    def __post_init__(self) -> None:
        if self.chunk is not None and not 1 <= self.chunk <= MOST_ROWS:
            raise FhnbenchError(f"chunk={self.chunk} must be between 1 and {MOST_ROWS}")
        if self.build < 1:
            raise FhnbenchError(f"build={self.build} must be positive")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:
        """Export the family's module, build engines or find them in the cache, and keep the fastest.

        Raises
        ------
        Refused
            If the precision is float64, TF32 is asked for in 16 bits, a direct network is to be unrolled, the family's
            module has no form in ONNX, TensorRT does not build the network, or memory does not suffice.
        Unavailable
            If there is no GPU, or TensorRT is too old or does not start.
        """
        workload.require_precision("float16", "bfloat16", "float32")
        if self.tf32 and workload.precision != "float32":
            raise Refused(f"tf32=true goes with precision float32, not with {workload.precision}")
        if self.rollout == "unrolled" and artifact.network.scheme == "direct":
            raise Refused("rollout=unrolled: a direct network has no rollout; leave it out")
        from fhnbench_tensorrt.preparation import prepare

        return prepare(self, family.module(artifact), artifact, workload)

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the nominal cost of the network."""
        return network_cost(artifact.network, workload)
