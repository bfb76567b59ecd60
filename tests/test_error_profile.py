"""The error profile: an error that is put somewhere is found there and nowhere else."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench.accuracy import measure_accuracy
from fhnbench.error_profile import BINS, ErrorProfile, error_profile
from fhnbench.problem import Ensemble, standard_problem

PROBLEM = standard_problem("C")
POINTS, SIZE = PROBLEM.save_points, 3000


@pytest.fixture(scope="module")
def samples():
    return PROBLEM.sample(SIZE, seed=3)


@pytest.fixture(scope="module")
def reference():
    return np.random.default_rng(0).uniform(-2, 2, (POINTS, 2, SIZE))


def test_means_over_bins_weighed_by_their_samples_are_the_mean(samples, reference):
    states = (reference + np.random.default_rng(1).normal(0, 0.1, reference.shape)).astype(np.float32)
    profile = error_profile(states, reference, samples, PROBLEM)
    mae = measure_accuracy(states, reference, PROBLEM.times).mae
    assert np.mean(profile.time.mae) == pytest.approx(mae, rel=1e-3)
    counts = np.histogram(samples.i_app, BINS, PROBLEM.i_app)[0]
    assert np.average(profile.current.mae, weights=counts) == pytest.approx(mae, rel=1e-3)
    cells = np.histogram2d(samples.u0, samples.w0, BINS, [PROBLEM.u0, PROBLEM.w0])[0].ravel()
    assert np.average(profile.initial_state.mae, weights=cells) == pytest.approx(mae, rel=1e-3)


@given(st.integers(0, POINTS - 1), st.integers(0, SIZE - 1), st.floats(0.01, 3))
def test_one_wrong_value_is_found_at_its_time_and_in_its_bins(samples, reference, point, sample, error):
    states = reference.copy()
    states[point, 0, sample] += error
    profile = error_profile(states, reference, samples, PROBLEM)
    assert np.flatnonzero(profile.time.mae).tolist() == [point]
    bin_ = min(BINS - 1, int(samples.i_app[sample] * BINS))
    assert np.flatnonzero(profile.current.mae).tolist() == [bin_]
    u, w = (min(BINS - 1, int(x * BINS)) for x in ((samples.u0[sample] + 2) / 4, (samples.w0[sample] + 1) / 2))
    assert np.flatnonzero(profile.initial_state.mae).tolist() == [u * BINS + w]


def test_percentile_is_numpys(samples, reference):
    states = reference + np.random.default_rng(2).exponential(0.1, reference.shape)
    profile = error_profile(states, reference, samples, PROBLEM)
    expected = np.percentile(np.abs(states - reference)[7], 99.9)
    assert profile.time.p999[7] == pytest.approx(expected, rel=1e-3)


def test_bins_without_samples_and_fixed_parameters_have_no_value(reference):
    few = Ensemble(*(np.array(values) for values in ([-2.0, 2.0], [-1.0, 1.0], [0.0, 1.0])))
    profile = error_profile(reference[:, :, :2] + 1, reference[:, :, :2], few, PROBLEM)
    assert profile.current.mae == (1.0, *[None] * (BINS - 2), 1.0)
    for name, fixed in (("A", ("initial_state", "current")), ("B", ("current",))):
        problem = standard_problem(name)
        found = error_profile(reference[:, :, :2], reference[:, :, :2], problem.sample(2, seed=1), problem)
        assert all(getattr(found, field) is None for field in fixed)


def test_record_of_it_is_small(samples, reference):
    states = reference + np.random.default_rng(2).exponential(0.1, reference.shape)
    text = msgspec.json.encode(profile := error_profile(states, reference, samples, PROBLEM))
    assert len(text) < 4000
    assert msgspec.json.decode(text, type=ErrorProfile) == profile
