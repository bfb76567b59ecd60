"""What this plugin declares."""

from fhnbench import RuntimeSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_runtimes() -> list[RuntimeSpec]:
    """Declare the runtime ``ort``."""
    return [
        RuntimeSpec(
            name="ort",
            target="fhnbench_onnxruntime.runtime:OnnxRuntime",
            summary="ONNX Runtime evaluates the network on the CPU, in chunks of samples",
            requires=("torch", "onnx", "onnxruntime", "onnxscript"),
            extra="onnx",
        )
    ]
