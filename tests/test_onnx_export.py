"""Networks as ONNX models: typed as asked, and the same as the module when ONNX Runtime evaluates them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import fhnbench.onnx_export
from fhnbench import (
    ONNX_INPUTS,
    ONNX_OPSET,
    FhnbenchError,
    NetworkModule,
    Refused,
    Unavailable,
    export_onnx,
    standard_problem,
)
from networks import NETWORKS, artifact_of, exported

TYPES = {
    "float16": onnx.TensorProto.FLOAT16,
    "bfloat16": onnx.TensorProto.BFLOAT16,
    "float32": onnx.TensorProto.FLOAT,
    "float64": onnx.TensorProto.DOUBLE,
}
LAYERS = {"Gemm", "Tanh", "Sigmoid", "Sin", "Relu", "Softplus"}
CHAINED = [
    ("iterative", 3, "float32", 1e-5),
    ("iterative", 3, "float16", 1e-2),
    ("four points a pass", 3, "float32", 1e-5),
]


def module_of(name):
    return NetworkModule.of(artifact_of(NETWORKS[name]))


def model_of(name, precision="float32", passes=1):
    return onnx.load_from_string(exported(name, precision, passes))


def evaluate(model, ensemble, t=1.0):
    """Return the states that a model gives, ``[save points, 2, n]``, from ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows = {"t": np.full((1, 1), t), "u": ensemble.u0[None], "w": ensemble.w0[None], "i_app": ensemble.i_app[None]}
    names = [given.name for given in session.get_inputs()]
    dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[session.get_outputs()[0].type]
    outputs = session.run(None, {name: rows[name].astype(dtype) for name in names})
    return np.concatenate(outputs).reshape(-1, 2, ensemble.size)


def by_torch(name, ensemble, save_points):
    inputs = (torch.from_numpy(getattr(ensemble, key)) for key in ("u0", "w0", "i_app"))
    with torch.inference_mode():
        return module_of(name).double()(*inputs, save_points).numpy()[1:]


def types_of(model):
    """Return the type of every tensor."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    values = [*inferred.input, *inferred.output, *inferred.value_info]
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in inferred.initializer
    }


def test_the_model_is_small_and_of_the_declared_version():
    model = model_of("direct")
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", ONNX_OPSET)]
    layers = [node.op_type for node in model.graph.node if node.op_type in {"Gemm", "Tanh", "Split"}]
    assert layers == ["Gemm", "Tanh", "Gemm", "Tanh", "Gemm", "Split"]
    assert len(model.graph.node) <= len(layers) + 4  # those that repeat t and join the rows


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ["direct", "iterative"])
def test_every_tensor_has_the_precision_asked_for(name, precision):
    found = set(types_of(model_of(name, precision)).values())
    assert found & set(TYPES.values()) == {TYPES[precision]}  # beside shapes and comparisons
    assert "Cast" not in {node.op_type for node in model_of(name, precision).graph.node}


@pytest.mark.parametrize(
    ("name", "passes", "precision"),
    [("direct", 1, "bfloat16"), ("iterative", 3, "float16")],
)
def test_layers_have_16_bits_between_explicit_casts(name, passes, precision):
    model = model_of(name, precision, passes)
    found = types_of(model)
    layers = [node for node in model.graph.node if node.op_type in LAYERS]
    assert len(layers) > 2 * passes
    for node in layers:
        assert {found[key] for key in [*node.input, *node.output]} == {TYPES[precision]}, node
    ends = [*model.graph.input, *model.graph.output]
    assert {found[end.name] for end in ends} == {onnx.TensorProto.FLOAT}
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    assert [{found[node.input[0]], found[node.output[0]]} for node in casts] == [
        {onnx.TensorProto.FLOAT, TYPES[precision]}
    ] * (2 * passes)


@pytest.mark.parametrize("name", ["direct", "only time", "iterative", "four points a pass"])
def test_inputs_are_those_that_the_network_reads(name):
    network, model = NETWORKS[name], model_of(name)
    names = [given.name for given in model.graph.input]
    assert names == [key for key in ONNX_INPUTS if key in names]
    assert set(network.inputs) <= set(names)
    assert ("t" in names) == (network.scheme == "direct")
    assert len(model.graph.output) == 2 * network.pass_points


@pytest.mark.parametrize(("name", "passes", "precision", "tolerance"), CHAINED)
def test_chained_passes_are_the_rollout(name, passes, precision, tolerance):
    ensemble = standard_problem("C").sample(40, seed=3)
    expected = by_torch(name, ensemble, 1 + passes * NETWORKS[name].pass_points)
    found = evaluate(model_of(name, precision, passes), ensemble)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["direct"])
def test_float16_is_near_the_module_and_really_computes(name):
    ensemble = standard_problem("C").sample(200, seed=3)
    error = np.abs(evaluate(model_of(name, "float16"), ensemble)[0] - by_torch(name, ensemble, 2)[0]).mean()
    unit = float(np.finfo(np.float16).eps)
    assert unit / 100 < error < 3 * unit


def test_weights_are_shared_by_the_passes():
    once, chained = model_of("iterative"), model_of("iterative", passes=3)
    assert len(chained.graph.initializer) == len(once.graph.initializer)
    assert len(chained.graph.node) == 3 * len(once.graph.node)


@pytest.mark.parametrize(("name", "passes"), [("direct", 2), ("iterative", 0)])
def test_passes_that_the_scheme_does_not_have_are_refused(name, passes):
    with pytest.raises(FhnbenchError, match=f"passes={passes}: an iterative network is exported with one or more"):
        export_onnx(module_of(name), "float32", passes)


def test_a_sine_in_bfloat16_is_refused():
    with pytest.raises(
        Refused, match=r"^ONNX 18 lacks a function in bfloat16: .*Sin.*bfloat16.*; use the runtime torch$"
    ):
        export_onnx(module_of("direct increment"), "bfloat16")


def test_missing_packages_are_told_in_one_line(monkeypatch):
    monkeypatch.setattr(fhnbench.onnx_export, "find_package", lambda name: None if name.startswith("onnx") else name)
    with pytest.raises(Unavailable, match=r"^onnx and onnxscript not installed; pip install 'fhnbench\[onnx\]'$"):
        export_onnx(module_of("direct"), "float32")
