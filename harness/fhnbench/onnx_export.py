"""Networks as ONNX models, through torch's exporter, for every runtime that reads ONNX."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError, Refused, Unavailable, one_line
from fhnbench.plugins.specs import find_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx
    import torch

    from fhnbench.workload import Precision

ONNX_OPSET = 18
"""The version of ONNX's operators that torch's exporter translates to without a conversion."""

ONNX_INPUTS = ("t", "u", "w", "i_app")
"""Names of a model's inputs."""

_PACKAGES = ("torch", "onnx", "onnxscript")
_EXAMPLE_SAMPLES = 16


def export_onnx(module: torch.nn.Module, precision: Precision, passes: int = 1) -> bytes:
    """Return the ONNX model of one or several passes of a network.

    Its types are explicit throughout, so that a strongly typed engine computes exactly what is asked: in float32 and
    float64 every tensor has that precision, inputs and outputs included; in float16 and bfloat16 weights and layers
    have, and inputs, outputs, normalisation and increments are float32 with casts between (``Cast`` nodes).

    Parameters
    ----------
    module
        The module of a surrogate family.
    precision
        Precision of weights and layers.
    passes
        Passes of an iterative network that are chained in the model; a direct network has one.

    Returns
    -------
    bytes
        A serialised, checked ``ModelProto`` of opset `ONNX_OPSET` for any number n of samples. Its inputs are those
        of `ONNX_INPUTS` that the network reads: ``t[1, 1]``, the time of the save point, and ``u``, ``w`` and
        ``i_app``, ``[1, n]``. Its outputs are, in order, u and w of each save point, ``[1, n]``, physical units.

    Raises
    ------
    Unavailable
        If torch, onnx or onnxscript is not installed.
    Refused
        If the module is not exactly a `NetworkModule` (what another computes is not known), or uses a function that
        ONNX does not have (a sine in bfloat16).
    FhnbenchError
        If `passes` does not fit the network's scheme.
    """
    if missing := [package for package in _PACKAGES if find_package(package) is None]:
        raise Unavailable(f"{' and '.join(missing)} not installed; pip install 'fhnbench[onnx]'")
    import onnx
    import torch

    from fhnbench.onnx_columns import ColumnPass
    from fhnbench.training.module import NetworkModule

    if type(module) is not NetworkModule:
        raise Refused(f"only a NetworkModule can be exported, not a {type(module).__name__}; use the runtime torch")
    if not (passes == 1 or (passes > 1 and module.network.scheme == "iterative")):
        raise FhnbenchError(f"passes={passes}: an iterative network is exported with one or more, a direct with one")
    dtype = torch.float64 if precision == "float64" else torch.float32
    # Three rows: the exporter takes one that is given thrice for one input.
    rows = [torch.zeros(1, _EXAMPLE_SAMPLES, dtype=dtype) for _ in range(3)]
    columns = {1: torch.export.Dim.DYNAMIC}
    with _quiet_exporter():
        try:
            program = torch.onnx.export(
                ColumnPass(module, precision).eval(),
                (torch.zeros(1, 1, dtype=dtype), *rows),
                input_names=ONNX_INPUTS,
                dynamic_shapes=(None, columns, columns, columns),
                opset_version=ONNX_OPSET,
                dynamo=True,
                optimize=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            cause = error.__cause__ or error
            raise Refused(
                f"torch cannot export the network to ONNX ({one_line(cause)}); use the runtime torch"
            ) from error
    assert program is not None
    model = program.model_proto
    _chain(model.graph, passes)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.shape_inference.InferenceError as error:
        reason = " ".join(str(error).split()).removeprefix("[ShapeInferenceError] ")
        raise Refused(f"ONNX {ONNX_OPSET} lacks a function in {precision}: {reason}; use the runtime torch") from error
    serialised: bytes = model.SerializeToString()
    return serialised


def _chain(graph: onnx.GraphProto, passes: int) -> None:
    """Repeat a pass, each time from the states that the last has given, and leave out inputs that nothing reads.

    Weights are shared. (Torch's exporter would take half a minute for 50 passes.)
    """
    once, rows = list(graph.node), [output.name for output in graph.output]
    computed = {name for node in once for name in node.output}
    row_type = graph.output[0].type
    del graph.value_info[:]  # shapes of what is renamed; they are inferred again
    renamed: dict[str, str] = {}
    for number in range(1, passes):
        start = {"u": renamed.get(rows[-2], rows[-2]), "w": renamed.get(rows[-1], rows[-1])}
        renamed = {name: f"pass{number}.{name}" for name in computed}
        for node in once:
            copied = graph.node.add()
            copied.CopyFrom(node)
            copied.name = f"pass{number}.{node.name}"
            copied.input[:] = [start.get(name, renamed.get(name, name)) for name in node.input]
            copied.output[:] = [renamed[name] for name in node.output]
        for row in rows:
            graph.output.add(name=renamed[row]).type.CopyFrom(row_type)
    read = {name for node in graph.node for name in node.input}
    inputs = [given for given in graph.input if given.name in read]
    del graph.input[:]
    graph.input.extend(inputs)


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep torch's exporter from warning of what does not concern this export, or of its own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # else it reports that torchvision's operators cannot be exported
    try:
        with warnings.catch_warnings():
            # Raised as torch copies its own tree of arguments.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
