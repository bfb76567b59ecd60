"""An ONNX Runtime session on the CPU, and calls whose inputs and outputs are bound to arrays in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import onnxruntime

from fhnbench import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

PROVIDER = "CPUExecutionProvider"

_ERROR = 3  # of ONNX Runtime's levels of severity


@final
class CpuSession:
    """A model loaded into ONNX Runtime, which computes in the calling thread; several threads may call at once.

    Without a thread pool of its own a session spins nowhere, and nothing waits for another thread between operators.

    Parameters
    ----------
    model
        A serialised ``ModelProto`` whose inputs and outputs are rows.

    Raises
    ------
    Unavailable
        If the session does not run on the CPU provider alone.
    """

    def __init__(self, model: bytes) -> None:
        onnxruntime.disable_telemetry_events()
        onnxruntime.set_default_logger_severity(_ERROR)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERROR
        self._session = onnxruntime.InferenceSession(model, options, providers=[PROVIDER])
        if (found := self._session.get_providers()) != [PROVIDER]:
            raise Unavailable(
                f"ONNX Runtime {onnxruntime.__version__} computes with {', '.join(found)}, asked was {PROVIDER}; "
                f"install the package onnxruntime in place of its variants"
            )
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._outputs = [node.name for node in self._session.get_outputs()]

    def bind(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> Any:
        """Return a call for `run`.

        Parameters
        ----------
        inputs
            Rows by the name of an input; those that the model does not read are ignored. They are contiguous, read
            at each run and must outlive the call, as must `outputs`.
        outputs
            Rows that each run fills, one for each output.
        """
        call = self._session.io_binding()
        for name in self._inputs:
            row = inputs[name]
            call.bind_input(name, "cpu", 0, row.dtype.type, [1, row.size], row.ctypes.data)
        for name, row in zip(self._outputs, outputs, strict=True):
            call.bind_output(name, "cpu", 0, row.dtype.type, [1, row.size], row.ctypes.data)
        return call

    def run(self, calls: Iterable[Any]) -> None:
        """Make calls one after the other."""
        for call in calls:
            self._session.run_with_iobinding(call)
