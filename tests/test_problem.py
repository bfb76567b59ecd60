"""The model, the problems, sampling, workloads and whole-file writing: the ground that everything stands on."""

from __future__ import annotations

import dataclasses
import re
import stat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhnbench import Ensemble, FhnbenchError, FitzHughNagumo, Problem, Refused, Workload, standard_problem
from fhnbench.files import replacing, write_whole
from fhnbench.problem import VARIABLES, Sampling

if TYPE_CHECKING:
    from pathlib import Path

names = st.sampled_from("ABC")
samplings = st.sampled_from(["uniform", "sobol"])
numbers = st.floats(-100, 100)
positive = st.floats(1e-3, 1e3)
float32_numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
ranges = st.tuples(float32_numbers, float32_numbers).map(lambda ends: (min(ends), max(ends)))


# The model


def test_model_is_the_paper_s() -> None:
    du, dw = FitzHughNagumo(a=0.7, b=0.8, c=2.0, tau=12.5).derivative(u=0.5, w=-0.25, i_app=0.1)
    assert du == pytest.approx(2.0 * (0.5 - 0.125 / 3 + 0.25) + 0.1)
    assert dw == pytest.approx((0.5 + 0.7 + 0.8 * 0.25) / 12.5)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=9))
def test_derivative_is_elementwise(points: list[tuple[float, float, float]]) -> None:
    model = FitzHughNagumo()
    du, dw = model.derivative(*np.array(points).T)
    for k, point in enumerate(points):
        assert (du[k], dw[k]) == pytest.approx(model.derivative(*point))


@pytest.mark.parametrize("name", ["a", "b", "c", "tau"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_model_refuses_what_is_not_finite(name: str, value: float) -> None:
    with pytest.raises(FhnbenchError, match=rf"{name}={value} is not finite"):
        FitzHughNagumo(**{name: value})


@pytest.mark.parametrize("name", ["c", "tau"])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_model_refuses_what_is_not_positive(name: str, value: float) -> None:
    with pytest.raises(FhnbenchError, match=rf"{name}={value} must be positive"):
        FitzHughNagumo(**{name: value})


# Problems


@pytest.mark.parametrize(("name", "varied"), [("A", ()), ("b", ("u0", "w0")), ("C", ("u0", "w0", "i_app"))])
def test_standard_problems_vary_what_the_paper_varies(name: str, varied: tuple[str, ...]) -> None:
    problem = standard_problem(name)
    assert problem.name == name.upper()
    assert problem.varied == varied
    np.testing.assert_array_equal(problem.times, np.arange(51.0))


def test_standard_problems_can_be_changed() -> None:
    problem = standard_problem("C", horizon=10, save_interval=0.5, model=FitzHughNagumo(c=3))
    assert (problem.save_points, problem.times[-1], problem.model.c) == (21, 10, 3)
    assert dataclasses.replace(problem, horizon=50.0, save_interval=1.0, model=FitzHughNagumo()) == standard_problem(
        "C"
    )


def test_unknown_problem_lists_those_there_are() -> None:
    with pytest.raises(FhnbenchError, match=r"no problem 'D'; there are A, B, C"):
        standard_problem("D")


@given(st.integers(1, 100_000), st.floats(1e-6, 1e6))
def test_times_are_multiples_of_the_save_interval(intervals: int, interval: float) -> None:
    problem = standard_problem("A", horizon=intervals * interval, save_interval=interval)
    assert problem.save_points == intervals + 1 == problem.times.size
    assert problem.times[0] == 0
    assert problem.times[-1] == pytest.approx(problem.horizon)
    assert (np.diff(problem.times) > 0).all()


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_save_interval_that_is_proposed_is_accepted(horizon: float, interval: float) -> None:
    try:
        problem = standard_problem("C", horizon=horizon, save_interval=interval)
    except FhnbenchError as error:
        proposal = re.search(r"nearest that does is (\S+)$", str(error))
        assert proposal
        problem = standard_problem("C", horizon=horizon, save_interval=float(proposal[1]))
    assert (problem.save_points - 1) * problem.save_interval == pytest.approx(horizon, rel=1e-8)


@pytest.mark.parametrize(
    ("horizon", "interval"),
    [(0, 1), (-5, 1), (np.nan, 1), (np.inf, 1), (5, 0), (5, -1), (5, np.nan), (5, np.inf), (1e308, 1e-10), (-5, -1)],
)
def test_impossible_times_are_refused(horizon: float, interval: float) -> None:
    with pytest.raises(FhnbenchError, match="problem C: "):
        standard_problem("C", horizon=horizon, save_interval=interval)


@pytest.mark.parametrize("ends", [(1.0, 0.0), (np.nan, 1.0), (0.0, np.nan), (0.0, np.inf), (-np.inf, 0.0), (0.0, 1e39)])
@pytest.mark.parametrize("name", VARIABLES)
def test_impossible_ranges_are_refused(name: str, ends: tuple[float, float]) -> None:
    with pytest.raises(FhnbenchError, match=rf"range of {name} is "):
        standard_problem("C", **{name: ends})


# Sampling


@given(ranges, ranges, ranges, st.integers(1, 200), samplings, st.integers(0, 2**64))
def test_samples_lie_in_their_ranges_and_are_float32_numbers(
    u0: Any, w0: Any, i_app: Any, size: int, sampling: Sampling, seed: int
) -> None:
    problem = Problem("X", u0, w0, i_app)
    ensemble = problem.sample(size, sampling, seed)
    assert ensemble.size == size
    for name in VARIABLES:
        values = getattr(ensemble, name)
        low, high = getattr(problem, name)
        assert values.dtype == np.float64
        assert ((values >= low) & (values <= high)).all()
        np.testing.assert_array_equal(values, values.astype(np.float32))


@given(names, st.integers(1, 100), samplings, st.integers(0, 1000))
def test_sampling_repeats(name: str, size: int, sampling: Sampling, seed: int) -> None:
    one, other = (standard_problem(name).sample(size, sampling, seed) for _ in range(2))
    for variable in VARIABLES:
        np.testing.assert_array_equal(getattr(one, variable), getattr(other, variable))


@pytest.mark.parametrize("sampling", ["uniform", "sobol"])
def test_seeds_give_other_samples(sampling: Sampling) -> None:
    one, other = (standard_problem("C").sample(64, sampling, seed) for seed in (0, 1))
    assert not np.intersect1d(one.u0, other.u0).size


@pytest.mark.parametrize("sampling", ["uniform", "sobol", "grid"])
def test_samples_fill_their_ranges_evenly(sampling: Sampling) -> None:
    problem = standard_problem("C")
    ensemble = problem.sample(16**3, sampling)
    points = np.stack([getattr(ensemble, name) for name in VARIABLES])
    for values, name in zip(points, VARIABLES, strict=True):
        low, high = getattr(problem, name)
        counts, _ = np.histogram(values, bins=4, range=(low, high))
        np.testing.assert_allclose(counts, 1024, rtol=0.15)
    assert np.abs(np.corrcoef(points) - np.eye(3)).max() < 0.05


def test_sobol_is_more_even_than_chance() -> None:
    counts, _ = np.histogram(standard_problem("B").sample(1024, "sobol").u0, bins=64, range=(-2, 2))
    np.testing.assert_array_equal(counts, 16)


@pytest.mark.parametrize(("name", "size"), [("B", 49), ("C", 343), ("A", 5)])
def test_grid_is_regular_and_includes_the_ends(name: str, size: int) -> None:
    problem = standard_problem(name)
    ensemble = problem.sample(size, "grid")
    points = {tuple(point) for point in np.stack([getattr(ensemble, v) for v in VARIABLES], axis=1)}
    assert len(points) == (size if problem.varied else 1)
    for variable in problem.varied:
        axis = np.unique(getattr(ensemble, variable))
        np.testing.assert_allclose(axis, np.linspace(*getattr(problem, variable), 7), atol=1e-7)


@given(names, st.integers(1, 10_000))
def test_the_grid_that_is_proposed_is_accepted(name: str, size: int) -> None:
    problem = standard_problem(name)
    try:
        ensemble = problem.sample(size, "grid")
    except FhnbenchError as error:
        proposal = re.search(rf"nearest to {size} is (\d+)$", str(error))
        assert proposal
        ensemble = problem.sample(int(proposal[1]), "grid")
    else:
        assert ensemble.size == size


def test_problem_a_is_copies_of_one() -> None:
    ensemble = standard_problem("A").sample(10, seed=3)
    for name in VARIABLES:
        assert np.unique(getattr(ensemble, name)).size == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "at least one sample, not 0"),
        ((-1,), "at least one sample, not -1"),
        ((5, "halton"), "no sampling 'halton'; there are uniform, grid, sobol"),
        ((5, "uniform", -1), "seed -1 is negative"),
    ],
)
@pytest.mark.parametrize("name", ["A", "C"])
def test_impossible_samplings_are_refused(name: str, arguments: Any, message: str) -> None:
    with pytest.raises(FhnbenchError, match=message):
        standard_problem(name).sample(*arguments)


# Ensembles


def ensemble_of(dtype: Any = np.float64, **columns: Any) -> Ensemble:
    return Ensemble(**{name: np.asarray(columns.get(name, [0.0, 1.0, 2.0]), dtype) for name in VARIABLES})


def test_slices_and_types() -> None:
    ensemble = standard_problem("C", model=FitzHughNagumo(c=2)).sample(10)
    part = ensemble[2:5]
    assert part.size == 3
    assert part.model.c == 2
    assert np.shares_memory(part.w0, ensemble.w0)
    single = ensemble.astype(np.float32)
    assert {getattr(single, name).dtype for name in VARIABLES} == {np.dtype(np.float32)}
    for name in VARIABLES:
        np.testing.assert_array_equal(getattr(single.astype(np.float64), name), getattr(ensemble, name))
        assert getattr(ensemble[::2].astype(np.float32), name).flags.c_contiguous


@pytest.mark.parametrize(
    ("columns", "dtype", "message"),
    [
        ({"u0": []}, "f8", "u0 must be one-dimensional and not empty"),
        ({"w0": [[0.0, 1.0, 2.0]]}, "f8", "w0 must be one-dimensional"),
        ({"i_app": [1.0]}, "f8", r"i_app is float64\[1\], u0 is float64\[3\]"),
        ({}, "f2", "u0 is float16; float32 or float64 is needed"),
        ({}, "i8", "u0 is int64; float32 or float64 is needed"),
        ({}, ">f8", "u0 is >f8; float32 or float64 is needed"),
        ({"w0": [0.0, np.nan, np.inf]}, "f8", r"w0\[1\] is nan; all values must be finite"),
        ({"i_app": [0.0, 1.0, -np.inf]}, "f4", r"i_app\[2\] is -inf"),
    ],
)
def test_impossible_ensembles_are_refused(columns: dict[str, Any], dtype: str, message: str) -> None:
    with pytest.raises(FhnbenchError, match=message):
        ensemble_of(dtype, **columns)


def test_columns_of_different_types_are_refused() -> None:
    with pytest.raises(FhnbenchError, match="all three must agree"):
        Ensemble(np.zeros(2), np.zeros(2, np.float32), np.zeros(2))


# Workloads


@given(names, st.integers(1, 10**6), st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
def test_workload_of_a_problem(name: str, size: int, precision: Any) -> None:
    problem = standard_problem(name, horizon=3.0, save_interval=0.5)
    workload = Workload.of(problem, size, precision, threads=2)
    assert workload.shape == (7, 2, size)
    assert workload.dtype == (np.float64 if precision == "float64" else np.float32)
    assert workload.model == problem.model
    np.testing.assert_array_equal(workload.times, problem.times)


@given(st.integers(1, 10**6), st.floats(1e-6, 1e6))
def test_steps_that_divide_the_save_interval(count: int, interval: float) -> None:
    workload = Workload(1, save_interval=interval)
    assert workload.substeps(interval / count) == count


@given(positive, st.one_of(st.floats(), st.floats(1e-3, 10)))
def test_the_step_that_is_proposed_is_accepted(interval: float, dt: float) -> None:
    workload = Workload(1, save_interval=interval)
    try:
        count = workload.substeps(dt)
    except Refused as refusal:
        assume("too small" not in str(refusal))
        proposal = re.search(r"nearest that does is (\S+)$", str(refusal))
        assert proposal
        dt = float(proposal[1])
        count = workload.substeps(dt)
    assert count * dt == pytest.approx(interval, rel=1e-8)


@pytest.mark.parametrize("dt", [1e-12, 1e-300, 5e-324])
def test_steps_too_small_to_count_are_refused(dt: float) -> None:
    with pytest.raises(Refused, match=r"too small for the save interval 1$"):
        Workload(1).substeps(dt)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": -1},
        {"save_points": 1},
        {"threads": 0},
        {"save_interval": 0.0},
        {"save_interval": -1.0},
        {"save_interval": np.nan},
        {"save_interval": np.inf},
        {"precision": "float8"},
    ],
)
def test_impossible_workloads_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FhnbenchError):
        dataclasses.replace(Workload(10), **change)


def test_precision_must_be_supported() -> None:
    Workload(1).require_precision("float32", "float64")
    with pytest.raises(Refused, match="precision float16 is not supported; choose float32 or float64"):
        Workload(1, precision="float16").require_precision("float32", "float64")


# Files


@given(old=st.one_of(st.none(), st.binary()), new=st.binary())
def test_files_are_replaced_whole(tmp_path_factory: pytest.TempPathFactory, old: bytes | None, new: bytes) -> None:
    path = tmp_path_factory.mktemp("files") / "folder" / "file"
    if old is not None:
        path.parent.mkdir()
        path.write_bytes(old)
    write_whole(path, new)
    assert path.read_bytes() == new
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", "µ\n")
    assert (tmp_path / "x").read_bytes() == b"\xc2\xb5\n"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, FhnbenchError])
def test_a_failure_keeps_the_old_file_and_leaves_no_other(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("ne")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        with replacing(path) as temporary:
            temporary.write_text("new")
            assert path.read_text() == "old"
        assert reader.read() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", ["file/below", "folder", "x" * 300])
def test_places_that_cannot_be_written_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(FhnbenchError, match="cannot write ") as caught:
        write_whole(tmp_path / name, b"content")
    assert str(tmp_path / name) in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]
