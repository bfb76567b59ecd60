"""Ratios of times and verdicts over tables: on simulated clocks, where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fhnbench.results.collection import read_records, row_times
from fhnbench.statistics.noise import BUSY, QUIET
from fhnbench.statistics.ratio import Ratio, time_ratio
from fhnbench.statistics.verdict import holm, judge, p_different, p_equivalent

seconds = st.floats(1e-6, 1e2)
worker = st.dictionaries(st.integers(0, 40), seconds, min_size=1, max_size=12)
times = st.dictionaries(st.sampled_from("abcde"), worker, min_size=1, max_size=4)
few = settings(max_examples=15)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def ratio(value: float, log_error: float = 0.01, freedom: float = 8) -> Ratio:
    return Ratio(value, value, value, log_error, freedom, (5, 5), 100, paired=True)


@few
@given(times, times)
def test_interval_holds_the_ratio_and_is_repeatable(base, candidate):
    found = time_ratio(base, candidate, resamples=50)
    assert found.low <= found.value <= found.high
    assert found == time_ratio(base, candidate, resamples=50)
    shared = [name for name in base if base[name].keys() & candidate.get(name, {}).keys()]
    assert found.paired == bool(shared)
    assert found.processes == ((len(shared),) * 2 if shared else (len(base), len(candidate)))


@few
@given(times, times)
def test_unpaired_ratio_of_the_reverse_is_the_reciprocal(base, candidate):
    candidate = {f"other {name}": rounds for name, rounds in candidate.items()}
    there, back = time_ratio(base, candidate, resamples=50), time_ratio(candidate, base, resamples=50)
    assert not there.paired
    assert there.value * back.value == pytest.approx(1)


@few
@given(times, st.floats(0.1, 10))
def test_a_contender_that_is_slower_in_every_round_is_paired_exactly(base, factor):
    candidate = {name: {number: factor * time for number, time in rounds.items()} for name, rounds in base.items()}
    found = time_ratio(base, candidate, resamples=50)
    assert found.paired
    assert found.value == pytest.approx(factor)


def test_the_unit_of_time_does_not_matter():
    base, candidate = QUIET.times(np.random.default_rng(0), 3, 20, [0, 0.1])
    scaled = [{name: {n: 1e3 * t for n, t in rounds.items()} for name, rounds in t.items()} for t in (base, candidate)]
    assert time_ratio(base, candidate).high == pytest.approx(time_ratio(*scaled).high)


def test_drift_that_meets_both_drops_out_of_a_pair_and_not_of_two_runs():
    generator = np.random.default_rng(3)
    base, candidate = QUIET.times(generator, 5, 30, [0, 0])
    apart = {f"other {name}": rounds for name, rounds in candidate.items()}
    assert time_ratio(base, candidate).log_error < 0.7 * time_ratio(base, apart).log_error


def test_a_single_process_says_so_and_too_few_rounds_say_nothing():
    generator = np.random.default_rng(0)
    assert time_ratio(*QUIET.times(generator, 1, 30, [0, 0])).single
    assert not time_ratio(*QUIET.times(generator, 2, 30, [0, 0])).single
    few = time_ratio(*QUIET.times(generator, 1, 4, [0, 0.5]))
    assert math.isinf(few.log_error)
    (judged,) = judge([few], [0.03])
    assert judged.verdict == "inconclusive"


@pytest.mark.parametrize(("noise", "sessions"), [(QUIET, 3), (QUIET, 6), (BUSY, 5)])
def test_interval_covers_the_truth_as_often_as_it_says(noise, sessions):
    generator = np.random.default_rng(sessions)
    found = [time_ratio(*noise.times(generator, sessions, 25, [0, 0.02]), resamples=200) for _ in range(100)]
    coverage = np.mean([one.low <= 1.02 <= one.high for one in found])
    assert 0.90 <= coverage <= 0.995


def test_two_runs_apart_are_covered_too():
    generator = np.random.default_rng(1)
    sides = [QUIET.times(generator, 5, 25, [0])[0] for _ in range(120)]
    pairs = [
        (a, {f"other {name}": rounds for name, rounds in b.items()})
        for a, b in zip(sides[::2], sides[1::2], strict=True)
    ]
    coverage = np.mean([r.low <= 1 <= r.high for r in (time_ratio(a, b, resamples=200) for a, b in pairs)])
    assert 0.89 <= coverage <= 0.995


@pytest.mark.parametrize(("delay", "least", "most"), [(0.0, 0, 0.15), (0.01, 0.8, 1), (0.05, 1, 1)])
def test_delays_are_found_with_enough_processes_and_not_invented(delay, least, most):
    generator = np.random.default_rng(5)
    ratios = [time_ratio(*QUIET.times(generator, 6, 25, [0, delay]), resamples=200) for _ in range(60)]
    assert least <= np.mean([p_different(one) < 0.05 for one in ratios]) <= most


@given(probabilities)
def test_holm_raises_p_values_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)
    assert min(adjusted) == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_holm_is_that_of_r():
    """``p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")``."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_a_table_of_equals_has_a_false_claim_no_more_often_than_alpha():
    generator = np.random.default_rng(11)
    tables = [
        judge([ratio(math.exp(0.01 * t), freedom=12) for t in generator.standard_t(12, 15)], [0.0] * 15)
        for _ in range(400)
    ]
    wrong = np.mean([any(row.verdict != "inconclusive" for row in table) for table in tables])
    assert 0.02 <= wrong <= 0.08


@pytest.mark.parametrize(
    ("value", "log_error", "verdict"),
    [
        (1.1, 0.01, "slower"),
        (0.9, 0.01, "faster"),
        (1.001, 0.002, "equivalent"),
        (1.02, 0.002, "equivalent"),  # slower without doubt, and by less than matters
        (1.02, 0.1, "inconclusive"),
        (1.0, 0.1, "inconclusive"),
    ],
)
def test_verdicts(value, log_error, verdict):
    (judged,) = judge([ratio(value, log_error)], [0.03])
    assert judged.verdict == verdict


@given(st.floats(0.5, 2), st.floats(1e-4, 0.5), st.floats(0.001, 0.5))
def test_a_change_and_its_reverse_have_the_same_p_values(value, log_error, threshold):
    one, other = ratio(value, log_error), ratio(1 / value, log_error)
    assert p_different(one) == pytest.approx(p_different(other))
    assert p_equivalent(one, threshold) == pytest.approx(p_equivalent(other, threshold))
    assume(value != 1)
    assert p_equivalent(one, abs(math.log(value)) / 2) > 0.49  # the estimate lies outside


def test_detectable_change_is_found_four_times_in_five():
    one = ratio(1, 0.004, 7)
    delay = math.log1p(one.detectable())
    draws = delay + 0.004 * np.random.default_rng(0).standard_t(7, 2000)
    found = [p_different(ratio(math.exp(x), 0.004, 7)) < 0.05 for x in draws]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


def test_the_busy_clock_is_like_that_of_the_published_run(pytestconfig):
    """Quantiles and correlation from round to round of the rows of a few milliseconds."""
    (record,) = read_records(pytestconfig.rootpath / "results" / "cpu")
    measured = [row_times(row) for row in record.rows if row.resident and row.resident.median_s < 5e-3]
    simulated = list(BUSY.times(np.random.default_rng(0), 40, 43, [0])[0].values())

    def shape(rounds):
        logs = np.log(list(rounds.values()))
        low, high = np.quantile(logs, [0.1, 0.9])
        return high - low, np.corrcoef(logs[:-1], logs[1:])[0, 1]

    spread, correlation = (np.mean([shape(one) for one in side], axis=0) for side in (measured, simulated))
    (there_spread, there_correlation), (here_spread, here_correlation) = spread, correlation
    assert here_spread == pytest.approx(there_spread, rel=0.3)
    assert here_correlation == pytest.approx(there_correlation, abs=0.15)
