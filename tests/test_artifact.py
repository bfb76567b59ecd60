"""Artifacts come back as they were saved, or not at all."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from fhnbench import (
    Activation,
    Artifact,
    ArtifactMetadata,
    Integrator,
    InvalidArtifact,
    Network,
    Refused,
    Structure,
    TrainingRecord,
    load_artifact,
    standard_problem,
)
from fhnbench.artifact import ARTIFACT_SCHEMA, load_metadata

if TYPE_CHECKING:
    from pathlib import Path

finite = st.floats(-1e6, 1e6)
scales = st.floats(1e-3, 1e3)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    scheme = draw(st.sampled_from(["direct", "iterative"]))
    inputs = draw(st.permutations(["t"] if scheme == "direct" else ["u", "w"]))
    inputs += draw(st.sampled_from([[], ["i_app"]]))
    pass_points = 1 if scheme == "direct" else draw(st.integers(1, 4))
    hidden = draw(st.lists(st.integers(1, 8), max_size=3))

    def numbers(elements: st.SearchStrategy[float], size: int) -> tuple[float, ...]:
        return tuple(draw(st.lists(elements, min_size=size, max_size=size)))

    return Network(
        inputs=tuple(inputs),
        widths=(len(inputs), *hidden, 2 * pass_points),
        activations=tuple(draw(st.sampled_from(get_args(Activation))) for _ in range(len(hidden) + 1)),
        scheme=scheme,
        input_shift=numbers(finite, len(inputs)),
        input_scale=numbers(scales, len(inputs)),
        output_shift=numbers(finite, 2 * pass_points),
        output_scale=numbers(scales, 2 * pass_points),
        output=draw(st.sampled_from(["state", "increment"])),
        pass_points=pass_points,
    )


def tensors(structure: Structure, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    made = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in structure.tensor_shapes.items()}
    for name, tensor in made.items():
        if name.endswith("linear"):
            tensor[:, :-1] = np.tril(tensor[:, :-1])
    return made


@st.composite
def artifacts(draw: st.DrawFn) -> Artifact:
    structure = draw(st.one_of(networks(), st.builds(Integrator, st.lists(st.integers(1, 5), min_size=1).map(tuple))))
    record = TrainingRecord(
        command=draw(st.text()),
        recipe=draw(st.text()),
        seed=draw(st.integers(0, 2**63)),
        samples=draw(st.integers(0, 10**6)),
        steps=draw(st.integers(0, 10**6)),
        seconds=draw(finite),
        data_seconds=draw(finite),
        options=draw(st.dictionaries(st.text(), st.one_of(finite, st.text(), st.booleans()), max_size=3)),
    )
    problem = standard_problem(draw(st.sampled_from("ABC")), horizon=float(draw(st.integers(1, 99))))
    validation = draw(st.dictionaries(st.text(), finite, max_size=3))
    metadata = ArtifactMetadata(draw(st.text()), problem, structure, record, validation)
    return Artifact(metadata, tensors(structure, draw(st.integers(0, 99))))


NETWORK = Network(
    inputs=("t", "u", "w"),
    widths=(3, 4, 2),
    activations=("tanh", "identity"),
    scheme="direct",
    input_shift=(25.0, 0.0, 0.0),
    input_scale=(25.0, 2.0, 1.0),
    output_shift=(0.0, 0.0),
    output_scale=(1.0, 1.0),
)
METADATA = ArtifactMetadata(
    "ddnn", standard_problem("B"), NETWORK, TrainingRecord("fhnbench train", "paper", 1, 10, 5, 0.5, 0.1), {"mae": 0.01}
)
ARTIFACT = Artifact(METADATA, tensors(NETWORK))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "network.safetensors"
    ARTIFACT.save(path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InvalidArtifact) as caught:
        load_artifact(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def damaged(path: Path, metadata: dict[str, str] | None = None, **changed: Any) -> None:
    """Write a well-formed safetensors file with other metadata, or with tensors replaced or (None) left out."""
    arrays = {**load_file(path), **{name.replace("__", "."): value for name, value in changed.items()}}
    save_file(
        {name: value for name, value in arrays.items() if value is not None},
        path,
        {"fhnbench": msgspec.json.encode(METADATA).decode()} if metadata is None else metadata,
    )


def with_metadata(path: Path, *keys: str, value: Any) -> None:
    """Change one value of the metadata."""
    content = json.loads(msgspec.json.encode(METADATA))
    owner = content
    for key in keys[:-1]:
        owner = owner[key]
    owner[keys[-1]] = value
    damaged(path, {"fhnbench": json.dumps(content)})


# Round trip


@given(artifacts())
@settings(max_examples=50)
def test_comes_back_as_it_was_saved(tmp_path_factory: pytest.TempPathFactory, artifact: Artifact) -> None:
    path = tmp_path_factory.mktemp("artifact") / "x.safetensors"
    artifact.save(path)
    again = load_artifact(path)
    assert again.metadata == artifact.metadata == load_metadata(path)
    assert again.digest == artifact.digest
    assert again.tensors.keys() == artifact.tensors.keys()
    for name, tensor in again.tensors.items():
        np.testing.assert_array_equal(tensor, artifact.tensors[name], strict=True)


def test_saving_takes_any_memory_layout(tmp_path: Path) -> None:
    fortran = Artifact(METADATA, {name: np.asfortranarray(tensor) for name, tensor in ARTIFACT.tensors.items()})
    fortran.save(tmp_path / "x")
    assert load_artifact(tmp_path / "x").digest == fortran.digest == ARTIFACT.digest


def test_saving_replaces_the_file_whole(saved: Path) -> None:
    other = Artifact(METADATA, tensors(NETWORK, seed=1))
    other.save(saved)
    assert load_artifact(saved).digest == other.digest
    assert list(saved.parent.iterdir()) == [saved]


def test_is_plain_safetensors(saved: Path) -> None:
    arrays = load_file(saved)
    assert {name: array.shape for name, array in arrays.items()} == {
        "layers.0.weight": (4, 3),
        "layers.0.bias": (4,),
        "layers.1.weight": (2, 4),
        "layers.1.bias": (2,),
    }


def test_digest_is_that_of_what_is_computed() -> None:
    renamed = Artifact(msgspec.structs.replace(METADATA, family="other", validation={}), tensors(NETWORK))
    assert renamed.digest == ARTIFACT.digest
    assert Artifact(METADATA, tensors(NETWORK, seed=1)).digest != ARTIFACT.digest
    sine = msgspec.structs.replace(
        METADATA, structure=msgspec.structs.replace(NETWORK, activations=("sin", "identity"))
    )
    assert Artifact(sine, tensors(NETWORK)).digest != ARTIFACT.digest


def test_network_in_figures() -> None:
    assert NETWORK.hidden == (4,)
    assert NETWORK.multiply_adds == 3 * 4 + 4 * 2
    assert NETWORK.passes(51) == 50


@given(st.integers(2, 200), st.integers(1, 60))
def test_passes_reach_the_last_save_point(save_points: int, pass_points: int) -> None:
    network = Network(
        inputs=("u", "w"),
        widths=(2, 2 * pass_points),
        activations=("identity",),
        scheme="iterative",
        input_shift=(0.0, 0.0),
        input_scale=(1.0, 1.0),
        output_shift=(0.0,) * 2 * pass_points,
        output_scale=(1.0,) * 2 * pass_points,
        pass_points=pass_points,
    )
    passes = network.passes(save_points)
    assert (passes - 1) * pass_points < save_points - 1 <= passes * pass_points


# Files that are wrong


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "no such file"
    assert refusal(tmp_path).startswith("not a readable safetensors file")


def regions(content: bytes) -> dict[str, range]:
    header = 8 + struct.unpack("<Q", content[:8])[0]
    return {"length": range(8), "header": range(8, header), "tensors": range(header, len(content))}


@pytest.mark.parametrize("region", ["length", "header", "tensors"])
def test_truncated_in_every_region(saved: Path, region: str) -> None:
    content = saved.read_bytes()
    ends = regions(content)[region]
    for end in ends[:: max(1, len(ends) // 30)]:
        saved.write_bytes(content[:end])
        assert refusal(saved).startswith("not a readable safetensors file")


@given(data=st.data())
@settings(max_examples=200)
def test_any_changed_byte_is_refused_or_still_an_artifact(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flip") / "x.safetensors"
    ARTIFACT.save(path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        artifact = load_artifact(path)
    except InvalidArtifact as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right
    else:  # white space of the header, and no more
        assert (artifact.metadata, artifact.digest) == (METADATA, ARTIFACT.digest)


def test_a_changed_bit_of_a_tensor_or_of_the_record_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for other in (bytes([*content[:-1], content[-1] ^ 1]), content.replace(b'seed\\":1', b'seed\\":3')):
        assert other != content
        saved.write_bytes(other)
        assert refusal(saved) == "its content does not have the digest that it was written with; it is damaged"


def test_a_file_without_a_digest_is_refused(saved: Path) -> None:
    damaged(saved)
    assert refusal(saved) == "its content does not have the digest that it was written with; it is damaged"


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"{}", b"\xff" * 100, b"PK\x03\x04" + b"\0" * 100])
def test_not_safetensors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert refusal(path).startswith("not a readable safetensors file")


@pytest.mark.parametrize("metadata", [{}, {"format": "pt"}])
def test_metadata_of_other_tools(saved: Path, metadata: dict[str, str]) -> None:
    damaged(saved, metadata)
    assert refusal(saved).startswith("a safetensors file, but not one of fhnbench")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\u00b5", "1e999"])
def test_metadata_that_is_no_json_object(saved: Path, text: str) -> None:
    damaged(saved, {"fhnbench": text})
    refusal(saved)


@pytest.mark.parametrize("schema", ["fhnbench.artifact/1", "fhnbench.artifact/3", "", None, 1])
def test_other_versions(saved: Path, schema: Any) -> None:
    with_metadata(saved, "schema", value=schema)
    assert refusal(saved) == f"schema {schema!r}, this version reads {ARTIFACT_SCHEMA!r}; train it again"


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("family",), 1, "Expected `str`, got `int` - at `$.family`"),
        (("colour",), "red", "unknown field `colour`"),
        (("structure", "activations"), ["gelu", "identity"], "Invalid enum value 'gelu'"),
        (("structure", "inputs"), ["t", "u", "v"], "Invalid enum value 'v'"),
        (("structure", "scheme"), "iterative", "a direct scheme has t among its inputs and an iterative one has not"),
        (("structure", "widths"), [3, 2], "2 activations for 1 layers"),
        (("problem", "horizon"), -1.0, "horizon -1.0"),
        (("problem", "model", "tau"), 0.0, "model parameter tau=0.0 must be positive"),
        (("training",), None, "$.training"),
        (("validation", "mae"), None, "Expected `float`, got `null`"),
    ],
)
def test_metadata_that_is_wrong(saved: Path, keys: tuple[str, ...], value: Any, message: str) -> None:
    with_metadata(saved, *keys, value=value)
    assert message in refusal(saved)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"layers__1__bias": None}, "its tensors are not those of its structure: layers.1.bias"),
        ({"layers__2__bias": np.zeros(2, "f4")}, "its tensors are not those of its structure: layers.2.bias"),
        ({"layers__0__weight": np.zeros((3, 4), "f4")}, "layers.0.weight is float32[3, 4], not float32[4, 3]"),
        ({"layers__0__weight": np.zeros((4, 3))}, "layers.0.weight is of type F64, not F32"),
        ({"layers__1__bias": np.zeros((2, 1), "f4")}, "layers.1.bias is float32[2, 1], not float32[2]"),
        ({"layers__1__bias": np.array([0, np.nan], "f4")}, "layers.1.bias holds values that are not finite"),
        ({"layers__0__weight": np.full((4, 3), np.inf, "f4")}, "layers.0.weight holds values that are not finite"),
    ],
)
def test_tensors_that_do_not_fit(saved: Path, changed: dict[str, Any], message: str) -> None:
    damaged(saved, **changed)
    assert refusal(saved) == message


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3"])
def test_types_that_numpy_lacks(saved: Path, dtype: str) -> None:
    header = json.dumps(
        {
            "__metadata__": {"fhnbench": msgspec.json.encode(METADATA).decode()},
            **{
                name: {"dtype": dtype, "shape": [0, 4], "data_offsets": [0, 0]}
                for name in ("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias")
            },
        }
    ).encode()
    saved.write_bytes(struct.pack("<Q", len(header)) + header)
    assert refusal(saved) == f"layers.0.bias is of type {dtype}, not F32"


def test_a_number_of_layers_that_is_wrong() -> None:
    with pytest.raises(InvalidArtifact, match=r"not those of its structure: layers\.1\.weight"):
        Artifact.of_layers(METADATA, ARTIFACT.weights[:1], ARTIFACT.biases)


def test_layers_are_those_of_the_tensors() -> None:
    again = Artifact.of_layers(METADATA, ARTIFACT.weights, ARTIFACT.biases)
    assert again.digest == ARTIFACT.digest
    assert [weight.shape for weight in again.weights] == [(4, 3), (2, 4)]
    assert again.network is NETWORK


# Integrators


STEPS = Integrator((1, 3))


def integrator(**changed: Any) -> Artifact:
    return Artifact(msgspec.structs.replace(METADATA, structure=STEPS), {**tensors(STEPS), **changed})


def test_integrator_in_figures() -> None:
    # Euler's method takes 4 multiply-adds a step and a method of three stages 15; the outputs are rescaled.
    assert STEPS.multiply_adds == 4 + 15 + 2
    assert STEPS.passes(51) == 50
    assert STEPS.hidden == (1, 3)
    assert integrator().tensors["steps.1.linear"].shape == (3, 4)


def test_an_integrator_is_no_network() -> None:
    with pytest.raises(Refused, match=r"^networks only; this surrogate of the family ddnn is an integrator$"):
        _ = integrator().network
    with pytest.raises(Refused):
        _ = integrator().weights


def test_integrators_that_cannot_be() -> None:
    for stages in (), (2, 0), (-1,):
        with pytest.raises(InvalidArtifact, match="need at least one step, and each step one stage"):
            Integrator(stages)
    ahead = tensors(STEPS)["steps.1.linear"].copy()
    ahead[0, 1] = 1.0
    with pytest.raises(InvalidArtifact, match=r"steps\.1\.linear: row K may read no more than K"):
        integrator(**{"steps.1.linear": ahead})
    for place in range(2):
        units = np.ones(4, np.float32)
        units[place] = 0
        with pytest.raises(InvalidArtifact, match="must not be zero"):
            integrator(units=units)


# Networks that contradict themselves


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": ()}, "need at least an input and an output"),
        ({"widths": (), "inputs": (), "input_shift": (), "input_scale": ()}, "need at least an input and an output"),
        ({"widths": (3,)}, "need at least an input and an output"),
        ({"widths": (3, 0, 2)}, "need at least an input and an output, all positive"),
        ({"activations": ("tanh",)}, "1 activations for 2 layers"),
        ({"widths": (2, 4, 2)}, "do not fit the first width"),
        ({"inputs": ("t", "u", "u")}, "repeat a name"),
        ({"widths": (3, 4, 3)}, r"the last width must be 2 x pass_points = 2"),
        ({"pass_points": 0}, "pass_points = 0"),
        ({"pass_points": 2, "widths": (3, 4, 4)}, "pass_points 2 must be positive, and 1 for a direct scheme"),
        (
            {
                "scheme": "iterative",
                "inputs": ("i_app",),
                "widths": (1, 4, 2),
                "input_shift": (0,),
                "input_scale": (1,),
            },
            "an iterative scheme reads u or w",
        ),
        ({"inputs": ("i_app", "u", "w")}, "a direct scheme has t among its inputs"),
        ({"scheme": "iterative"}, "a direct scheme has t among its inputs and an iterative one has not"),
        ({"input_shift": (0.0, 0.0)}, "one shift and one non-zero scale for each input and output"),
        ({"output_scale": (1.0,)}, "one shift and one non-zero scale for each input and output"),
        ({"input_scale": (1.0, 0.0, 1.0)}, "one non-zero scale"),
        ({"output_scale": (1.0, -0.0)}, "one non-zero scale"),
        ({"output_shift": (np.nan, 0.0)}, "one shift"),
        ({"input_scale": (1.0, np.inf, 1.0)}, "one non-zero scale"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArtifact, match=message):
        Network(**{**msgspec.structs.asdict(NETWORK), **change})


def test_artifacts_are_compared_by_digest_not_by_arrays() -> None:
    again = dataclasses.replace(ARTIFACT)
    assert again is not ARTIFACT
    assert (again != ARTIFACT, again.digest) == (True, ARTIFACT.digest)
