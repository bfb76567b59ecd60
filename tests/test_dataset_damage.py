"""Whatever is wrong with a dataset file is one line that names the file, the place and what to do."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhnbench import Dataset, DatasetSpec, InvalidDataset, build_dataset, open_dataset, standard_problem
from fhnbench.dataset.layout import content_digest

if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = DatasetSpec(standard_problem("B", horizon=3.0), 20, training_dt=0.1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return build_dataset(SPEC, tmp_path_factory.mktemp("datasets") / "small.h5")


@pytest.fixture
def copy(dataset: Dataset, tmp_path: Path) -> Path:
    return Path(shutil.copy(dataset.path, tmp_path))


def refusal(path: Path, verify: bool = True) -> str:
    with pytest.raises(InvalidDataset) as caught:
        open_dataset(path, verify)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def set_attribute(owner: str, name: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[owner].attrs.__setitem__(name, value)


def delete_attribute(owner: str, name: str) -> Callable[[h5py.File], None]:
    return lambda file: file[owner].attrs.__delitem__(name)


def set_value(path: str, index: int | tuple[int, ...], value: float) -> Callable[[h5py.File], None]:
    return lambda file: file[path].__setitem__(index, value)


def replace(path: str, data: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        attributes = dict(file[path].attrs)
        del file[path]
        file.create_dataset(path, data=data)
        for name, value in attributes.items():
            file[path].attrs[name] = value

    return change


def remove(path: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(path)


STRUCTURE = {
    "format of something else": (set_attribute("/", "format", np.bytes_("other")), "no dataset of fhnbench (/@format)"),
    "no format": (delete_attribute("/", "format"), "no dataset of fhnbench (/@format)"),
    "newer version": (
        set_attribute("/", "format_version", 2),
        "/@format_version is 2, this version of fhnbench reads 1",
    ),
    "version as text": (set_attribute("/", "format_version", np.bytes_("1")), "/@format_version is of type |S1[], not"),
    "version in a list": (set_attribute("/", "format_version", [1, 1]), "is of type int64[2], not int64[]"),
    "no version": (delete_attribute("/", "format_version"), "/@format_version is missing"),
    "no digest": (delete_attribute("/", "content_sha256"), "/@content_sha256 is missing"),
    "name as an object": (
        set_attribute("/problem", "name", "B"),
        "/problem@name is of type <U1[], not fixed-length ASCII",
    ),
    "no inputs": (remove("inputs"), "/inputs/u0 is missing"),
    "no u0": (remove("inputs/u0"), "/inputs/u0 is missing"),
    "no model": (remove("model"), "/model is missing"),
    "no reference": (remove("reference"), "/reference is missing"),
    "no reference states": (remove("reference/states"), "/reference/states is missing"),
    "no training states": (remove("training/states"), "/training/states is missing"),
    "no times": (remove("times"), "/times is missing"),
    "u0 is a group": (
        lambda file: (file.__delitem__("inputs/u0"), file.create_group("inputs/u0")),
        "/inputs/u0 is a group, not an array",
    ),
    "w0 as float32": (replace("inputs/w0", np.zeros(20, "f4")), "/inputs/w0 is of type float32, not float64"),
    "w0 as integers": (replace("inputs/w0", np.zeros(20, "i8")), "/inputs/w0 is of type int64, not float64"),
    "short w0": (replace("inputs/w0", np.zeros(19)), "/inputs/w0 has shape [19], not [20]"),
    "short u0": (replace("inputs/u0", np.zeros(19)), "/inputs/w0 has shape [20], not [19]"),
    "u0 in two dimensions": (replace("inputs/u0", np.zeros((20, 1))), "/inputs/u0 has shape [20, 1], not [any]"),
    "no samples": (replace("inputs/u0", np.zeros(0)), "/inputs/u0 has shape [0], not [any]"),
    "transposed states": (
        replace("reference/states", np.zeros((20, 2, 4))),
        "/reference/states has shape [20, 2, 4], not [4, 2, 20]",
    ),
    "states as float32": (
        replace("reference/states", np.zeros((4, 2, 20), "f4")),
        "/reference/states is of type float32",
    ),
    "another unit": (set_attribute("inputs/i_app", "units", np.bytes_("uA")), "/inputs/i_app@units is 'uA', not '1'"),
    "no unit": (delete_attribute("reference/states", "units"), "/reference/states@units is missing"),
    "NaN input": (set_value("inputs/u0", 7, np.nan), "/inputs/u0[7] is nan"),
    "infinite current": (set_value("inputs/i_app", 0, -np.inf), "/inputs/i_app[0] is -inf"),
    "input outside its range": (set_value("inputs/u0", 3, 2.5), "/inputs/u0[3] is 2.5, outside the range [-2.0, 2.0]"),
    "fixed input that varies": (set_value("inputs/i_app", 3, 0.25), "/inputs/i_app[3] is 0.25, outside the range [0.5"),
    "first point differs": (
        set_value("reference/states", (0, 1, 4), 0.0),
        "/reference/states[0, 1, 4] is not the initial state in /inputs/w0",
    ),
    "first training point differs": (
        set_value("training/states", (0, 0, 19), 0.0),
        "/training/states[0, 0, 19] is not the initial state in /inputs/u0",
    ),
    "a time is off": (set_value("times", 2, 2.001), "/times[2] is 2.001, the save interval makes 2.0"),
    "NaN time": (set_value("times", 2, np.nan), "/times[2] is nan"),
    "another horizon": (set_attribute("/problem", "horizon", 4.0), "/times has shape [4], not [5]"),
    "impossible horizon": (
        set_attribute("/problem", "horizon", 3.5),
        "/problem or /model is impossible: problem B: save",
    ),
    "impossible range": (set_attribute("/problem", "u0_range", [2.0, -2.0]), "is impossible: problem B: range of u0"),
    "impossible model": (set_attribute("/model", "tau", -1.0), "is impossible: model parameter tau=-1.0"),
    "NaN in the model": (set_attribute("/model", "tau", np.nan), "/model@tau is nan; it must be finite"),
    "a single end": (set_attribute("/problem", "u0_range", [2.0]), "/problem@u0_range is of type float64[1], not"),
    "unknown sampling": (
        set_attribute("/inputs", "sampling", np.bytes_("halton")),
        "/inputs@sampling is 'halton', not",
    ),
    "negative seed": (set_attribute("/inputs", "seed", -1), "/inputs@seed or /training@dt is impossible: seed -1"),
    "impossible step": (set_attribute("/training", "dt", 0.3), "is impossible: dt=0.3 does not divide"),
    "NaN evidence": (set_attribute("/reference", "max_change", np.nan), "/reference@max_change is nan"),
}

CONTENT = {
    "NaN state": (set_value("reference/states", (2, 1, 5), np.nan), "/reference/states[2, 1, 5] is nan"),
    "infinite training": (set_value("training/states", (3, 0, 19), np.inf), "/training/states[3, 0, 19] is inf"),
    "changed state": (set_value("reference/states", (2, 1, 5), 0.125), "/@content_sha256 is "),
    "changed seed": (set_attribute("/inputs", "seed", 12), "/@content_sha256 is "),
    "changed evidence": (set_attribute("/reference", "error_floor", 0.0), "/@content_sha256 is "),
    "changed digest": (
        set_attribute("/", "content_sha256", np.bytes_("0" * 64)),
        "/@content_sha256 is 000000000000..., ",
    ),
    "something added": (lambda file: file.create_dataset("note", data=np.zeros(2)), "/@content_sha256 is "),
    "variable-length text added": (
        set_attribute("/times", "note", "text"),
        ": /times@note is of type <U4, not float64",
    ),
}


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("case", STRUCTURE)
def test_structure_is_always_checked(copy: Path, case: str, verify: bool) -> None:
    damage, message = STRUCTURE[case]
    with h5py.File(copy, "r+") as file:
        damage(file)
    assert message in refusal(copy, verify)


@pytest.mark.parametrize("case", CONTENT)
def test_content_is_checked_when_verifying(copy: Path, case: str) -> None:
    damage, message = CONTENT[case]
    with h5py.File(copy, "r+") as file:
        damage(file)
    text = refusal(copy)
    assert message in text
    assert text.endswith("; remove it and build it again with 'fhnbench dataset build'")
    open_dataset(copy, verify=False)


def test_ends_of_ranges_may_be_rounded_to_float32(tmp_path: Path) -> None:
    for fixed in (0.1, 0.7):  # float32 rounds the first up and the second down
        problem = standard_problem("B", horizon=1.0, i_app=(fixed, fixed))
        path = build_dataset(DatasetSpec(problem, 4, "grid"), tmp_path / "x.h5", overwrite=True).path
        assert open_dataset(path).ensemble.i_app[0] == float(np.float32(fixed))


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.h5").startswith(": No such file or directory; give a dataset, or build one with")


def test_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(": Is a directory; ")


def test_impossible_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("x" * 300)).startswith(": File name too long; ")


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"u0,w0\n1,2\n" * 1000])
def test_not_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.h5"
    path.write_bytes(content)
    assert refusal(path) == ": is not an HDF5 file; give a dataset, or build one with 'fhnbench dataset build'"


def test_hdf5_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    assert "no dataset of fhnbench" in refusal(path)


def test_open_for_writing_elsewhere(copy: Path) -> None:
    with copy.open() as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert refusal(copy) == ": another program has it open for writing; close it there"


def test_half_a_file_says_how_much_is_there(copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: len(content) // 2])
    assert f"is truncated: {len(content) // 2:,} of {len(content):,} bytes are there; remove it" in refusal(copy)


def test_truncated_after_it_was_opened(copy: Path) -> None:
    dataset = open_dataset(copy)
    copy.write_bytes(copy.read_bytes()[:-1000])
    with pytest.raises(InvalidDataset, match="is truncated"):
        dataset.reference()


@given(data=st.data())
@settings(max_examples=60)
def test_truncated_anywhere(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = dataset.path.read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.h5"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refusal(path, verify=False)


@given(data=st.data())
@settings(max_examples=150)
def test_any_changed_byte_is_noticed_or_changes_nothing(
    dataset: Dataset, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(dataset.path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flip") / "flip.h5"
    path.write_bytes(content)
    try:
        changed = open_dataset(path)
    except InvalidDataset as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right
    else:
        with h5py.File(path) as file:
            assert content_digest(file) == dataset.digest
        assert changed.spec == dataset.spec
        np.testing.assert_array_equal(changed.reference(), dataset.reference())
