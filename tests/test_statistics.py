"""The statistics of times: on simulated samples, where the truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench.measure.statistics import MINIMUM_SAMPLES, is_converged, is_stationary, median_interval

times = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60)


@given(times)
def test_interval_holds_the_median_and_lies_within_the_samples(samples):
    interval = median_interval(samples)
    assert min(samples) <= interval.low_s <= interval.median_s <= interval.high_s <= max(samples)
    assert interval.samples == tuple(samples)


@given(times)
def test_interval_is_repeatable(samples):
    assert median_interval(samples) == median_interval(samples)


@given(times, st.floats(0.1, 10))
def test_interval_scales_with_the_unit(samples, factor):
    scaled = median_interval([factor * sample for sample in samples])
    interval = median_interval(samples)
    expected = [factor * interval.low_s, factor * interval.median_s, factor * interval.high_s]
    assert [scaled.low_s, scaled.median_s, scaled.high_s] == pytest.approx(expected)


def test_interval_covers_the_true_median_about_as_often_as_it_says():
    generator = np.random.default_rng(7)
    runs = generator.lognormal(mean=0.0, sigma=0.3, size=(300, 25))
    intervals = [median_interval(run) for run in runs]
    coverage = np.mean([interval.low_s <= 1.0 <= interval.high_s for interval in intervals])
    assert 0.90 <= coverage <= 0.99


def test_convergence_needs_a_narrow_interval_on_enough_samples():
    steady = [1.0, 1.001, 0.999, 1.0, 1.002, 1.001]
    assert is_converged(median_interval(steady))
    assert not is_converged(median_interval(steady[: MINIMUM_SAMPLES - 1]))
    assert not is_converged(median_interval([1.0, 1.5, 0.7, 1.2, 0.9, 1.1]))


def test_warm_up_ends_when_times_stop_falling():
    assert not is_stationary([9.0, 1.0])
    assert not is_stationary([9.0, 7.0, 5.0, 3.0, 2.0, 1.5])
    assert is_stationary([9.0, 1.01, 1.0, 1.0, 1.0, 1.01, 1.0])
