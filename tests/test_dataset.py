"""A dataset holds what it says, reads back exactly, and any other reader can verify it."""

from __future__ import annotations

import dataclasses
import multiprocessing
import pickle
import re
import runpy
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhnbench import (
    EVALUATION_SEED,
    Dataset,
    DatasetSpec,
    FhnbenchError,
    FitzHughNagumo,
    InvalidDataset,
    Refused,
    build_dataset,
    integrate,
    open_dataset,
    standard_dataset,
    standard_problem,
)
from fhnbench.dataset import layout
from fhnbench.dataset.build import converged_step
from fhnbench.reference import reference_trajectories

if TYPE_CHECKING:
    from numpy.typing import NDArray

README = Path(__file__).parents[1] / "datasets" / "README.md"
PROBLEM = standard_problem("C", horizon=4.0, save_interval=0.5, model=FitzHughNagumo(a=0.75))
SPEC = DatasetSpec(PROBLEM, 30, seed=5, training_dt=0.05)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return build_dataset(SPEC, tmp_path_factory.mktemp("datasets") / "small.h5")


@pytest.fixture
def copy(dataset: Dataset, tmp_path: Path) -> Path:
    return Path(shutil.copy(dataset.path, tmp_path))


def test_holds_what_it_was_built_from(dataset: Dataset) -> None:
    assert dataset.spec == SPEC
    assert (dataset.problem, dataset.size, dataset.sampling, dataset.seed) == (PROBLEM, 30, "uniform", 5)
    expected = PROBLEM.sample(30, seed=5)
    for name in ("u0", "w0", "i_app"):
        np.testing.assert_array_equal(getattr(dataset.ensemble, name), getattr(expected, name))
    assert dataset.ensemble.model == PROBLEM.model


def test_reference_has_converged_and_says_how_far(dataset: Dataset) -> None:
    states, evidence = reference_trajectories(PROBLEM, dataset.ensemble, dataset.evidence.dt)
    np.testing.assert_array_equal(dataset.reference(), states)
    assert dataset.evidence.max_change == evidence.max_change
    assert dataset.evidence.mean_change == pytest.approx(evidence.mean_change)
    assert 0 < dataset.error_floor < 1e-8


def test_training_states_are_euler_and_not_the_reference(dataset: Dataset) -> None:
    training = dataset.training_states()
    assert training is not None
    np.testing.assert_array_equal(training, integrate(PROBLEM, dataset.ensemble, 0.05, "euler"))
    assert np.abs(training - dataset.reference()).max() > 1e-3


def test_training_states_are_optional(tmp_path: Path) -> None:
    assert build_dataset(dataclasses.replace(SPEC, training_dt=None), tmp_path / "x.h5").training_states() is None


bounds = st.one_of(st.none(), st.integers(-40, 40))


@given(samples=st.builds(slice, bounds, bounds), points=st.builds(slice, bounds, bounds))
def test_slices_mean_what_they_mean_in_numpy(dataset: Dataset, samples: slice, points: slice) -> None:
    np.testing.assert_array_equal(
        dataset.reference(samples, points), dataset.reference()[points, :, samples], strict=True
    )


def test_slices_with_a_step_are_refused(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="step 1"):
        dataset.reference(slice(0, 10, 2))


def test_content_does_not_depend_on_how_it_was_written(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_LARGEST_CHUNK", 1)
    in_blocks = build_dataset(SPEC, tmp_path / "blocks.h5")
    np.testing.assert_array_equal(in_blocks.reference(), dataset.reference())
    # The mean of the evidence is added up block by block, and may differ in its last bits.
    assert in_blocks.evidence.mean_change == pytest.approx(dataset.evidence.mean_change, rel=1e-12)
    monkeypatch.undo()
    assert build_dataset(SPEC, tmp_path / "again.h5").digest == dataset.digest


def test_digest_tells_content_apart(dataset: Dataset, tmp_path: Path) -> None:
    for change in ({"seed": 6}, {"training_dt": None}, {"problem": dataclasses.replace(PROBLEM, name="B")}):
        other = build_dataset(dataclasses.replace(SPEC, **change), tmp_path / "other.h5", overwrite=True)
        assert other.digest != dataset.digest


def test_a_foreign_writer_is_read(dataset: Dataset, tmp_path: Path) -> None:
    """Contiguous, big-endian, in HDF5's oldest format, written in another order: the same content."""
    path = tmp_path / "foreign.h5"
    with h5py.File(dataset.path) as source, h5py.File(path, "w", libver=("earliest", "v108")) as target:

        def write(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                target.create_dataset(name, data=item[()].astype(">f8"))
            else:
                target.require_group(name)
            for key, value in reversed(list(item.attrs.items())):
                target[name].attrs[key] = value if value.dtype.kind == "S" else value.astype(f">{value.dtype.kind}8")

        source.visititems(write)
        target.attrs.update({**source.attrs, "created": np.bytes_("a month ago"), "package_version": np.bytes_("9")})
    foreign = open_dataset(path)
    assert foreign.digest == dataset.digest
    assert foreign.created == "a month ago"
    np.testing.assert_array_equal(foreign.reference(), dataset.reference())
    assert foreign.reference().dtype.isnative


def test_only_plain_types(dataset: Dataset) -> None:
    """No objects, no pickles, no variable-length strings: any HDF5 reader and h5dump can show everything."""
    dtypes: dict[str, np.dtype] = {}
    with h5py.File(dataset.path) as file:

        def collect(path: str, item: h5py.Group | h5py.Dataset) -> None:
            dtypes.update({f"{path}@{key}": item.attrs.get_id(key).dtype for key in item.attrs})
            if isinstance(item, h5py.Dataset):
                dtypes[path] = item.dtype
                assert item.compression is None

        collect("", file)
        file.visititems(collect)
        assert file["reference/states"].chunks == (1, 2, 30)
    assert {dtype.kind for dtype in dtypes.values()} == {"f", "i", "S"}
    assert len(dtypes) > 30


@given(size=st.integers(1, 10**7))
def test_chunks_are_bounded_and_hardly_wasteful(size: int) -> None:
    chunk = layout.states_chunks(size)[2]
    chunks = -(-size // chunk)
    assert 1 <= chunk <= 8192
    assert chunks * chunk - size < chunks


def readme_reader() -> str:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[-1]


@pytest.mark.parametrize("damage", [False, True])
def test_the_reader_in_the_readme_verifies_files(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damage: bool
) -> None:
    if damage:
        with h5py.File(copy, "r+") as file:
            file["reference/states"][3, 0, 7] += 1e-9
    script = tmp_path / "reader.py"
    script.write_text(readme_reader())
    monkeypatch.setattr(sys, "argv", ["reader.py", str(copy)])
    runpy.run_path(str(script))
    assert capsys.readouterr().out == ("changed\n" if damage else "valid\n")


def test_the_readme_names_everything_that_a_file_holds(dataset: Dataset) -> None:
    text = README.read_text()
    with h5py.File(dataset.path) as file:
        names = [*file.attrs, *file["inputs"]]
        file.visititems(lambda _, item: names.extend(item.attrs))
    assert [name for name in names if not re.search(rf"\b{name}`", text)] == []


def read_total(dataset: Dataset) -> float:
    return float(dataset.reference().sum())


def test_processes_read_at_the_same_time(dataset: Dataset) -> None:
    with (
        h5py.File(dataset.path, "r"),
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        assert list(pool.map(read_total, [dataset, dataset])) == [read_total(dataset)] * 2


def test_pickled_dataset_reads_the_same(dataset: Dataset) -> None:
    again: Dataset = pickle.loads(pickle.dumps(dataset))
    assert again.spec == dataset.spec
    assert read_total(again) == read_total(dataset)


def test_a_file_that_was_replaced_is_not_mistaken_for_the_one_opened(copy: Path) -> None:
    opened = open_dataset(copy)
    build_dataset(dataclasses.replace(SPEC, seed=6), copy, overwrite=True)
    with pytest.raises(InvalidDataset, match="replaced since it was opened"):
        opened.reference()


def test_existing_file_is_kept(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(FhnbenchError, match=r"small\.h5 exists; .*--overwrite"):
        build_dataset(SPEC, copy)
    assert copy.read_bytes() == before


def test_interrupted_build_leaves_nothing_and_keeps_what_was_there(copy: Path) -> None:
    before = copy.read_bytes()

    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(dataclasses.replace(SPEC, seed=6), copy, overwrite=True, progress=interrupt)
    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_progress_grows_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_LARGEST_CHUNK", 1)
    building: list[float] = []
    reading: list[float] = []
    dataset = build_dataset(SPEC, tmp_path / "x.h5", progress=building.append)
    open_dataset(dataset.path, progress=reading.append)
    for shares in (building, reading):
        assert len(shares) > 2
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0, rel=0.02)


def test_too_large_for_the_disk_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FhnbenchError, match=r"takes 1\.\d+e\+08 GB, and .* GB left"):
        build_dataset(DatasetSpec(PROBLEM, 10**15), tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "at least one sample, not 0"),
        ({"seed": -1}, "seed -1 is not between 0 and"),
        ({"seed": 2**63}, "is not between 0 and 9223372036854775807"),
    ],
)
def test_impossible_specs_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(FhnbenchError, match=message):
        dataclasses.replace(SPEC, **change)


@pytest.mark.parametrize("dt", [0.03, 0.0, -1.0, float("nan"), float("inf"), 1e-300])
def test_training_step_must_divide_the_save_interval(dt: float) -> None:
    with pytest.raises(Refused, match="dt="):
        dataclasses.replace(SPEC, training_dt=dt)


@given(
    interval=st.sampled_from([1.0, 0.3, 1 / 3, 0.005, 0.0001, 7.7, 100.0]),
    size=st.integers(1, 3),
)
@settings(max_examples=10)
def test_reference_step_fits_any_save_interval(interval: float, size: int) -> None:
    problem = standard_problem("C", horizon=2 * interval, save_interval=interval)
    step = converged_step(problem, problem.sample(size))
    assert step <= 0.005
    assert interval / step == pytest.approx(round(interval / step))
    if interval == 1.0:
        assert step == 0.005


def test_stiffer_models_take_smaller_steps() -> None:
    problem = standard_problem("C", horizon=2.0, model=FitzHughNagumo(c=50.0))
    assert converged_step(problem, problem.sample(100)) < 0.005


@pytest.mark.parametrize("model", [FitzHughNagumo(tau=1e-6), FitzHughNagumo(c=1e9)])
def test_models_that_are_too_stiff_are_refused(model: FitzHughNagumo, tmp_path: Path) -> None:
    with pytest.raises(FhnbenchError, match=r"does not converge for FitzHughNagumo.*too stiff"):
        build_dataset(DatasetSpec(standard_problem("C", horizon=1.0, model=model), 2), tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


def test_training_step_that_diverges_is_refused(tmp_path: Path) -> None:
    stiff = dataclasses.replace(
        SPEC, problem=dataclasses.replace(PROBLEM, model=FitzHughNagumo(c=50.0)), training_dt=0.5
    )
    with pytest.raises(FhnbenchError, match=r"euler with dt=0\.5 leaves the range"):
        build_dataset(stiff, tmp_path / "x.h5")


# Standard datasets


def test_standard_dataset_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHNBENCH_DATASETS", str(tmp_path / "there"))
    path = standard_dataset(PROBLEM, 3)
    assert path.parent == tmp_path / "there"
    assert open_dataset(path).spec == DatasetSpec(PROBLEM, 3, "uniform", EVALUATION_SEED)
    before = path.stat()
    assert standard_dataset(PROBLEM, 3) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_standard_datasets_lie_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FHNBENCH_DATASETS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert standard_dataset(standard_problem("A", horizon=1.0), 1).parent == Path("datasets")


def test_standard_name_with_other_content_is_refused_and_kept(tmp_path: Path) -> None:
    path = standard_dataset(PROBLEM, 3, folder=tmp_path)
    other = standard_dataset(PROBLEM, 4, folder=tmp_path)
    shutil.copy(other, path)
    with pytest.raises(InvalidDataset, match=rf"{path.name}: is not what its name says but {other.name}; remove it"):
        standard_dataset(PROBLEM, 3, folder=tmp_path)
    assert path.read_bytes() == other.read_bytes()


def test_damaged_standard_dataset_is_refused_and_kept(tmp_path: Path) -> None:
    path = standard_dataset(PROBLEM, 3, folder=tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidDataset, match=r"truncated.*remove it"):
        standard_dataset(PROBLEM, 3, folder=tmp_path)


def test_standard_names() -> None:
    assert DatasetSpec(standard_problem("C"), 100_000).filename == f"C-100000-uniform-seed{EVALUATION_SEED}.h5"
    with_training = DatasetSpec(standard_problem("b"), 16, "grid", 7, training_dt=0.01)
    assert with_training.filename == "B-16-grid-seed7-euler0.01.h5"
    assert re.fullmatch(r"C-30-uniform-seed5-[0-9a-f]{8}-euler0\.05\.h5", SPEC.filename)


problems = st.builds(
    lambda name, horizon, a: standard_problem(name, horizon=float(horizon), model=FitzHughNagumo(a=a)),
    st.sampled_from("ABC"),
    st.sampled_from([50, 51]),
    st.sampled_from([0.7, 0.7000001]),
)
specs = st.builds(
    DatasetSpec,
    problems,
    st.integers(1, 3),
    st.sampled_from(["uniform", "sobol"]),
    st.integers(0, 2),
    st.sampled_from([None, 0.5, 0.1]),
)


@given(one=specs, other=specs)
def test_names_tell_specs_apart(one: DatasetSpec, other: DatasetSpec) -> None:
    assert (one.filename == other.filename) == (one == other)


def test_arrays_are_native_float64(dataset: Dataset) -> None:
    arrays: list[NDArray[np.float64]] = [dataset.reference(), dataset.ensemble.u0]
    assert all(array.dtype == np.float64 for array in arrays)
