"""The runtime ``torch``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from fhnbench import FhnbenchError, Refused, Runtime, Unavailable, network_cost

if TYPE_CHECKING:
    import torch

    from fhnbench import Artifact, Cost, Execution, SurrogateFamily, Workload

CHUNKS: dict[str, int] = {"cpu": 4096, "cuda": 65_536}
"""Samples that are evaluated together unless told otherwise: their activations fit into a cache of the device."""


@final
@dataclass(frozen=True)
class Torch(Runtime):
    """PyTorch, eager or compiled, in inference mode, on a CPU or the first NVIDIA GPU.

    In float16 and bfloat16 the layers compute in 16 bits; states, normalisation and increments are float32. In float32
    no TF32 is used unless it is asked for.

    Parameters
    ----------
    chunk
        Most samples that are evaluated together; by default 4,096 on a CPU and 65,536 on a GPU.
    compile
        Whether `torch.compile` compiles the evaluation of a chunk (needs a C++ compiler on a CPU, Triton on a GPU).
    device
        ``cpu`` or ``cuda``; a device that is missing is an error. On CUDA a run is enqueued on a stream of its own.
    graph
        Whether a run is captured once and replayed as one CUDA graph; only with device=cuda.
    tf32
        Whether matrix products of precision float32 round their factors to 10 bits (TF32, on tensor cores); only with
        device=cuda.

    Raises
    ------
    FhnbenchError
        If `chunk` is not positive, or an option of CUDA is given for the CPU.
    """

    chunk: int | None = None
    compile: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    graph: bool = False
    tf32: bool = False

    def __post_init__(self) -> None:
        if self.chunk is not None and self.chunk < 1:
            raise FhnbenchError(f"chunk={self.chunk} must be positive")
        for name in ("graph", "tf32"):
            if getattr(self, name) and self.device != "cuda":
                raise FhnbenchError(f"{name}=true needs device=cuda")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:
        """Build the family's module on the device, in the workload's precision, allocate its buffers, and warm it up.

        Raises
        ------
        Refused
            If TF32 is asked for in another precision than float32, or the device's memory does not suffice.
        Unavailable
            If there is no CUDA device that torch can use, or what `torch.compile` needs is missing.
        """
        if self.tf32 and workload.precision != "float32":
            raise Refused(f"tf32=true goes with precision float32, not with {workload.precision}")
        import torch

        if self.device == "cuda":
            require_cuda(torch.version.cuda)
        module = family.module(artifact)
        try:
            return self._execution(module, workload)
        except torch.OutOfMemoryError as error:
            raise Refused("out of device memory; take fewer samples (-n) or a smaller chunk") from error
        except RuntimeError as error:
            if problem := problem_of(error, compiled=self.compile):
                raise Unavailable(problem) from error
            raise

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the nominal operations and bytes of one run."""
        return network_cost(artifact.structure, workload)

    def _execution(self, module: torch.nn.Module, workload: Workload) -> Execution:
        from fhnbench_torch.execution import CpuExecution, CudaExecution

        chunk = self.chunk or CHUNKS[self.device]
        if self.device == "cpu":
            return CpuExecution(module, workload, chunk, compiled=self.compile)
        return CudaExecution(module, workload, chunk, compiled=self.compile, graph=self.graph, tf32=self.tf32)


def require_cuda(built_for: str | None) -> None:
    """Return if torch can use a CUDA device.

    Parameters
    ----------
    built_for
        Version of CUDA that torch is built for, if any.

    Raises
    ------
    Unavailable
        If it cannot; one line says why, in the driver's own words where there are any, and what to do.
    """
    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return
    if built_for is None:
        raise Unavailable(
            f"torch {torch.__version__} is built without CUDA; install a build with CUDA, see "
            "https://pytorch.org/get-started, or use device=cpu"
        )
    told = f" ({_first_sentence(str(caught[0].message))})" if caught else ""
    raise Unavailable(f"torch finds no CUDA device{told}; check nvidia-smi, or use device=cpu")


def problem_of(error: RuntimeError, *, compiled: bool) -> str:
    """Return what an error of torch means for a user, in one line; empty if it is not known."""
    text = str(error)
    if "no kernel image" in text:
        return "torch has no kernels for this GPU; install a build for its compute capability"
    if compiled and type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
        return f"torch.compile failed ({_first_sentence(text)}); install what it needs, or leave out compile=true"
    return ""


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")[:200]
