"""What this plugin declares."""

from fhnbench import RuntimeSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``trt``."""
    return [
        RuntimeSpec(
            name="trt",
            target="fhnbench_tensorrt.runtime:TensorRT",
            summary="TensorRT evaluates the network on an NVIDIA GPU, with strongly typed engines and a CUDA graph",
            requires=("tensorrt", "cuda.bindings", "onnx", "onnxscript", "torch"),
            extra="tensorrt",
            probe="fhnbench_tensorrt.availability:tensorrt_on_gpu",
        )
    ]
