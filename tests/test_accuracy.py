"""Error metrics: known errors are measured as such, and nothing that is not a number passes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fhnbench import Accuracy, InvalidTrajectories, accuracy, integrate, measure_accuracy, standard_problem
from fhnbench.accuracy import SPIKE_THRESHOLD, spike_times

Trajectories = NDArray[np.float64]

shapes = st.tuples(st.integers(2, 7), st.just(2), st.integers(1, 40))


def trajectories(size: float = 3.0) -> st.SearchStrategy[Trajectories]:
    return shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(-size, size)))


pairs = shapes.flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=st.floats(-3, 3)) for _ in range(2)])
)


def times(states: Trajectories) -> NDArray[np.float64]:
    return np.arange(len(states), dtype=np.float64)


def measured(states: NDArray, reference: Trajectories) -> Accuracy:
    return measure_accuracy(states, reference, times(reference))


@given(trajectories())
def test_identical_trajectories_have_no_error(states: Trajectories) -> None:
    result = measured(states, states)
    assert (result.mae, result.rmse, result.p999, result.max) == (0, 0, 0, 0)
    assert (result.missed_spikes, result.extra_spikes) == (0, 0)
    assert result.spike_time_mae == (0 if result.spikes else None)


@given(trajectories(), st.floats(-2, 2))
def test_a_constant_offset_is_every_error(reference: Trajectories, offset: float) -> None:
    result = measured(reference + offset, reference)
    for value in (result.mae, result.rmse, result.p999, result.max):
        assert value == pytest.approx(abs(offset), abs=1e-14)


@given(pairs)
def test_agrees_with_plain_numpy(pair: tuple[Trajectories, Trajectories]) -> None:
    states, reference = pair
    error = np.abs(states - reference)
    result = measured(states, reference)
    assert result.mae == pytest.approx(error.mean(), rel=1e-12, abs=1e-300)
    assert result.rmse == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12, abs=1e-160)
    assert result.p999 == pytest.approx(np.percentile(error, 99.9), rel=1e-12, abs=1e-300)
    assert result.max == error.max()
    assert result.mae <= result.rmse * (1 + 1e-12) + 1e-150  # squares of less are zero
    assert result.p999 <= result.max


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("samples", [1, 2, 99, 100, 101, 5000])
def test_blocks_leave_no_trace(monkeypatch: pytest.MonkeyPatch, samples: int, block: int) -> None:
    rng = np.random.default_rng(samples)
    reference = rng.standard_normal((3, 2, samples))
    # Few distinct errors, so that many are equal where the percentile is.
    states = reference + rng.integers(0, 4, reference.shape) / 8
    monkeypatch.setattr(accuracy, "_BLOCK", block)
    result = measured(states, reference)
    error = np.abs(states - reference)
    assert result.mae == pytest.approx(error.mean())
    assert result.p999 == pytest.approx(np.percentile(error, 99.9))
    assert result.max == error.max()


@given(pairs, st.randoms(use_true_random=False))
def test_order_of_samples_does_not_matter(pair: tuple[Trajectories, Trajectories], random: np.random.Generator) -> None:
    states, reference = pair
    order = list(range(states.shape[2]))
    random.shuffle(order)
    one, other = measured(states, reference), measured(states[:, :, order], reference[:, :, order])
    assert msgspec.to_builtins(other) == {
        name: None if value is None else pytest.approx(value, rel=1e-12, abs=1e-300)
        for name, value in msgspec.to_builtins(one).items()
    }


@given(pairs)
def test_every_sample_counts_once(pair: tuple[Trajectories, Trajectories]) -> None:
    states, reference = pair
    one, twice = measured(states, reference), measured(np.tile(states, 2), np.tile(reference, 2))
    assert twice.mae == pytest.approx(one.mae, rel=1e-12, abs=1e-300)
    assert twice.spikes == 2 * one.spikes
    assert twice.missed_spikes == 2 * one.missed_spikes
    assert twice.extra_spikes == 2 * one.extra_spikes


def test_float32_states_are_compared_in_float64() -> None:
    reference = np.full((2, 2, 3), 0.1)
    result = measured(reference.astype(np.float32), reference)
    assert result.max == abs(float(np.float32(0.1)) - 0.1)


def test_inputs_are_not_changed() -> None:
    states, reference = np.zeros((3, 2, 4)), np.ones((3, 2, 4))
    states.flags.writeable = reference.flags.writeable = False
    measured(states, reference)


# Spikes


def train(*spikes: list[float], end: float = 50.0) -> Trajectories:
    """One sample for each list of spike times: u rises linearly through the threshold and falls at once."""
    grid = np.arange(0.0, end + 1)
    states = np.zeros((len(grid), 2, len(spikes)))
    states[:, 0] = -1.0
    for sample, when in enumerate(spikes):
        for time in when:
            before = int(np.ceil(time)) - 1
            # Through the threshold at `time`, on the line between the save points before and after.
            fraction = time - before
            states[before + 1, 0, sample] = -1.0 + (SPIKE_THRESHOLD + 1.0) / fraction
    return states


spike_lists = st.lists(st.lists(st.integers(0, 11), unique=True, max_size=5).map(sorted), min_size=1, max_size=8)


@given(spike_lists, st.floats(0.05, 1.0))
def test_spikes_are_found_where_they_are(slots: list[list[int]], phase: float) -> None:
    expected = [[4 * slot + phase for slot in sample] for sample in slots]
    states = train(*expected)
    found = spike_times(states[:, 0], times(states))
    assert len(found) == max(map(len, expected))
    for sample, when in enumerate(expected):
        np.testing.assert_allclose(found[: len(when), sample], when, rtol=1e-12)
        assert np.isnan(found[len(when) :, sample]).all()


@given(st.floats(0.0, 1.0), st.floats(0.05, 0.95))
def test_a_shifted_spike_gives_its_shift(shift: float, phase: float) -> None:
    result = measured(train([10 + phase + shift], [20.5]), train([10 + phase], [20.5]))
    assert result.spike_time_mae == pytest.approx(shift / 2, abs=1e-12)
    assert (result.spikes, result.missed_spikes, result.extra_spikes) == (2, 0, 0)


def test_spikes_are_compared_in_order() -> None:
    result = measured(train([5.5, 30.5]), train([5.0, 30.0]))
    assert result.spike_time_mae == pytest.approx(0.5)


def test_missed_and_extra_spikes_are_counted_and_not_matched() -> None:
    result = measured(train([40.5], [10.5], [3.5, 9.5, 20.5], []), train([5.5, 40.5], [10.0], [9.5], []))
    assert (result.spikes, result.missed_spikes, result.extra_spikes) == (4, 1, 2)
    assert result.spike_time_mae == pytest.approx(0.5)


@pytest.mark.parametrize(("states", "reference"), [([], []), ([5.5], []), ([], [5.5]), ([5.5], [5.5, 9.5])])
def test_nothing_to_compare_is_none_and_null(states: list[float], reference: list[float]) -> None:
    result = measured(train(states), train(reference))
    assert result.spike_time_mae is None
    assert b'"spike_time_mae":null' in msgspec.json.encode(result)


def test_starting_above_the_threshold_is_no_spike() -> None:
    states = np.zeros((4, 2, 1))
    states[:, 0, 0] = [2.0, 1.5, 1.2, -1.0]
    assert measured(states, states).spikes == 0


def test_touching_the_threshold_is_a_spike_once() -> None:
    states = np.zeros((5, 2, 1))
    states[:, 0, 0] = [0.0, SPIKE_THRESHOLD, SPIKE_THRESHOLD, 2.0, 0.0]
    found = spike_times(states[:, 0], times(states))
    np.testing.assert_array_equal(found, [[1.0]])


def test_spike_times_are_in_time_units() -> None:
    states, reference = train([10.5]), train([10.0])
    assert measure_accuracy(states, reference, 0.25 * times(states)).spike_time_mae == pytest.approx(0.125)


def test_more_accurate_integration_measures_as_more_accurate() -> None:
    problem = standard_problem("C")
    ensemble = problem.sample(500, seed=1)
    reference = integrate(problem, ensemble, 0.01)
    coarse, fine = (
        measure_accuracy(integrate(problem, ensemble, dt, "euler"), reference, problem.times) for dt in (0.1, 0.01)
    )
    assert 0 < fine.mae < 0.3 * coarse.mae
    assert 4e-3 < coarse.mae < 2e-2
    assert fine.spike_time_mae is not None
    assert coarse.spike_time_mae is not None
    assert 0 < fine.spike_time_mae < 0.3 * coarse.spike_time_mae
    assert coarse.spikes > 400


# Refusals


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("place", [(0, 0, 0), (2, 1, 5), (3, 0, 9)])
def test_values_that_are_no_numbers_are_refused(value: float, place: tuple[int, int, int]) -> None:
    states = np.zeros((4, 2, 10))
    states[place] = value
    point, variable, sample = place
    with pytest.raises(InvalidTrajectories) as caught:
        measured(states, np.ones((4, 2, 10)))
    assert f"{'uw'[variable]} is {value} at save point {point}, sample {sample}, where" in str(caught.value)


def test_large_but_finite_errors_are_measured() -> None:
    reference = np.zeros((3, 2, 4))
    result = measured(np.full(reference.shape, np.float32(3e38)), reference)
    assert result.rmse == pytest.approx(3e38, rel=1e-6)


@pytest.mark.parametrize(
    ("states", "reference", "points"),
    [((4, 2, 9), (4, 2, 10), 4), ((4, 2, 10), (4, 2, 10), 5), ((4, 3, 10), (4, 3, 10), 4), ((4, 2, 0), (4, 2, 0), 4)],
)
def test_shapes_that_do_not_fit_are_refused(states: tuple[int, ...], reference: tuple[int, ...], points: int) -> None:
    with pytest.raises(InvalidTrajectories, match="do not fit"):
        measure_accuracy(np.zeros(states), np.zeros(reference), np.arange(float(points)))
