"""TensorRT itself: building an engine from an ONNX model, and enqueuing it.

Only what versions 10 and 11 have in common is used; the tests hold it against the bindings of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import tensorrt as trt

from fhnbench import Refused, Unavailable
from fhnbench_tensorrt.availability import UPDATE, version_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhnbench_tensorrt.model import StaticModel

_REASON_LENGTH = 240


class EngineError(RuntimeError):
    """TensorRT failed although the network was built; the message is TensorRT's own."""


@final
class Messages(trt.ILogger):  # type: ignore[misc]
    """Keeps what TensorRT reports as an error, and prints nothing."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.errors: list[str] = []

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Take a message; TensorRT calls this, also from threads of its own."""
        if severity in {trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR}:
            self.errors.append(msg)

    def explain(self, what: str) -> str:
        """Return one line: what went wrong, and TensorRT's first error, of which others are consequences."""
        reason = " ".join(self.errors[0].split())[:_REASON_LENGTH] if self.errors else "it gives no reason"
        remedy = "; take fewer samples (-n) or a smaller chunk" if "memory" in reason.lower() else ""
        return f"{what}: {reason}{remedy}"


def tensorrt_version() -> str:
    """Return the version of TensorRT.

    Raises
    ------
    Unavailable
        If it is too old.
    """
    version = str(trt.__version__)
    if problem := version_problem(version):
        raise Unavailable(f"{problem}; {UPDATE}")
    return version


def build_engine(model: StaticModel, *, tf32: bool) -> bytes:
    """Build a strongly typed engine for the current GPU and return it, serialised.

    Parameters
    ----------
    model
        The network; its types are the engine's.
    tf32
        Whether products of float32 matrices may round their factors to TF32.

    Raises
    ------
    Unavailable
        If TensorRT does not start.
    Refused
        If it cannot read the model or does not build it; the message holds TensorRT's own.
    """
    messages = Messages()
    builder = _started(trt.Builder, messages)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, messages)
    if not parser.parse(model.content):
        messages.errors[:0] = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise Refused(messages.explain("TensorRT cannot read the network"))
    config = builder.create_builder_config()
    if tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:  # it is on by default
        config.clear_flag(trt.BuilderFlag.TF32)
    serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise Refused(messages.explain("TensorRT did not build the engine"))
    return bytes(serialised)


@final
class Engine:
    """An engine on the GPU with one context, for calls that follow each other on one stream.

    Parameters
    ----------
    content
        As `build_engine` gave it, on this machine.
    model
        What it was built from; names, types and shapes are compared.

    Raises
    ------
    Unavailable
        If TensorRT does not start.
    EngineError
        If the engine is not for this GPU or TensorRT, or not of this model.
    Refused
        If there is too little memory.
    """

    def __init__(self, content: bytes, model: StaticModel) -> None:
        self._messages = Messages()
        self._runtime: Any = _started(trt.Runtime, self._messages)
        self._engine: Any = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise EngineError(self._messages.explain("TensorRT does not load the engine"))
        self._names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        self._compare(model)
        self._context: Any = self._engine.create_execution_context()
        if self._context is None:
            raise Refused(self._messages.explain("TensorRT has no memory for the engine"))

    def enqueue(self, addresses: Mapping[str, int], stream: int) -> None:
        """Enqueue one call.

        Parameters
        ----------
        addresses
            Where inputs and outputs are on the device, by name; multiples of 256.
        stream
            Handle of a stream.

        Raises
        ------
        EngineError
            If TensorRT does not take it.
        """
        for name in self._names:
            if not self._context.set_tensor_address(name, addresses[name]):
                raise EngineError(self._messages.explain(f"TensorRT does not take the address of {name}"))
        if not self._context.execute_async_v3(stream):
            raise EngineError(self._messages.explain("TensorRT does not enqueue the engine"))

    def close(self) -> None:
        """Free the engine; nothing that was enqueued is still running."""
        self._context = self._engine = self._runtime = None

    def _compare(self, model: StaticModel) -> None:
        engine = self._engine
        for name in self._names:
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            expected = name in (model.inputs if is_input else model.outputs)
            shape = tuple(engine.get_tensor_shape(name))
            if not (expected and shape == model.shape(name) and engine.get_tensor_dtype(name) == trt.DataType.FLOAT):
                raise EngineError(f"the engine's tensor {name} of shape {shape} is not the network's")
        if missing := set(model.outputs) - set(self._names):
            raise EngineError(f"the engine lacks the outputs {', '.join(sorted(missing))}")


def _started(kind: Any, messages: Messages) -> Any:
    """Return a builder or a runtime."""
    try:
        return kind(messages)
    except TypeError:  # what the bindings raise where TensorRT gives nothing
        version = str(trt.__version__)
        raise Unavailable(messages.explain(f"TensorRT {version} does not start; check GPU and driver")) from None
