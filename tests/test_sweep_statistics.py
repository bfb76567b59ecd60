"""The statistics of a study find the effects that are there, and no others."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fhnbench import FhnbenchError
from fhnbench_sweep.analysis.analyse import analyse
from fhnbench_sweep.analysis.choice import choose, frontier, selection
from fhnbench_sweep.analysis.predictors import predictors
from fhnbench_sweep.analysis.variation import anovas, spread, two_way, variances
from fhnbench_sweep.outcome import Outcome
from sweeps import SPACE, study


def networks(**effects):
    return study(**effects).main_networks


def small(**effects):
    table = networks(**effects)
    return table[table["group"] == "small"]


@pytest.mark.parametrize("scale", ["log", "plain", "ranks"])
def test_an_effect_of_the_class_is_found_and_none_of_the_size_made_up(scale):
    found = two_way(small(shapes={"bowtie": 0.4}), "small", scale)
    assert found.effect("shape").p < 1e-4
    assert found.effect("size").p > 0.01
    assert found.effect("shape").degrees == 5
    assert found.effect("size").degrees == 2
    assert found.networks == found.residual_degrees + 8


@pytest.mark.parametrize("scale", ["log", "plain", "ranks"])
def test_an_effect_of_the_size_is_found_and_none_of_the_class_made_up(scale):
    found = two_way(small(per_doubling=-0.2), "small", scale)
    assert found.effect("size").p < 1e-4
    assert found.effect("size").explained > 0.2
    assert found.effect("shape").p > 0.01


@pytest.mark.parametrize(
    ("scale", "repetitions"),
    [("log", 25), *(pytest.param(scale, 300, marks=pytest.mark.slow) for scale in ("log", "plain", "ranks"))],
)
def test_where_there_is_no_effect_one_in_twenty_is_found(scale, repetitions):
    found = [two_way(small(seed=seed), "small", scale) for seed in range(repetitions)]
    for factor in ("shape", "size"):
        alarms = sum(one.effect(factor).p < 0.05 for one in found)
        low, high = stats.binom(repetitions, 0.05).ppf([0.0005, 0.9995])
        assert low <= alarms <= high
    ps = [one.effect("shape").p for one in found]
    assert stats.kstest(ps, "uniform").pvalue > 1e-3


def test_f_is_that_of_the_textbook():
    """With one factor and equal groups, type II is the one-way analysis that SciPy has."""
    table = small(shapes={"funnel": 0.3})
    table = table.assign(size=0)
    assert two_way(table, "small", "log") is None  # one level is no factor
    chance = np.random.default_rng(1)
    balanced = pd.DataFrame(
        {
            "shape": np.repeat(["square", "funnel", "other"], 40),
            "size": np.tile(np.repeat([0, 1], 20), 3),
            "mae": 10 ** chance.standard_normal(120),
        }
    )
    balanced["log"] = np.log10(balanced["mae"])
    found = two_way(balanced, "small", "log")
    groups = [one["log"].to_numpy() for _, one in balanced.groupby("shape")]
    between = sum(len(one) * (one.mean() - balanced["log"].mean()) ** 2 for one in groups)
    cells = balanced.groupby("shape")["log"].transform("mean") + balanced.groupby("size")["log"].transform("mean")
    rest = ((balanced["log"] - cells + balanced["log"].mean()) ** 2).sum()
    assert found.effect("shape").statistic == pytest.approx(between / 2 / (rest / 116))
    ranks = two_way(balanced, "small", "ranks")
    h, p = stats.kruskal(*groups)  # what Scheirer, Ray and Hare extend
    assert ranks.effect("shape").statistic == pytest.approx(h)
    assert ranks.effect("shape").p == pytest.approx(p)


def test_assumptions_are_those_of_the_data():
    normal = two_way(small(noise=0.2), "small", "log").assumptions
    assert normal.hold
    table = small(noise=0.5)
    plain = two_way(table, "small", "plain").assumptions
    assert plain.normal < 1e-6  # lognormal errors are not normal
    assert not plain.hold
    crossed = small(noise=0.2)
    wide = (crossed["shape"] == "funnel") & (crossed["size"] == 0)
    crossed = crossed.assign(log=crossed["log"] + 0.5 * wide)
    assert two_way(crossed, "small", "log").assumptions.additive < 1e-3 < normal.additive
    uneven = table.assign(log=table["log"] * np.where(table["size"] == 0, 6.0, 1.0))
    assert two_way(uneven, "small", "log").assumptions.equal_variances < 1e-3


def test_small_and_large_have_all_scales_and_adjusted_p():
    found = anovas(networks(per_doubling=-0.1))
    assert [(one.group, one.scale) for one in found] == [
        (group, scale) for group in ("small", "large") for scale in ("log", "plain", "ranks")
    ]
    assert all(effect.p <= effect.p_adjusted <= 1 for one in found for effect in one.effects)
    logs = [effect for one in found if one.scale == "log" for effect in one.effects]
    least = min(logs, key=lambda one: one.p)
    assert least.p_adjusted == pytest.approx(min(1.0, 4 * least.p))


def test_variances_between_and_within_classes():
    table = networks(shapes={"bowtie": 0.5, "square": -0.5})
    found = {(one.group, one.scale): one for one in variances(table)}
    assert set(found) == {(group, scale) for group in ("small", "large") for scale in ("log", "plain")}
    one = found["small", "log"]
    assert one.within == pytest.approx(0.2**2, rel=0.3)
    assert one.between == pytest.approx(0.1, rel=0.3)
    assert one.ratio.low < one.ratio.value < one.ratio.high
    nothing = variances(networks())
    assert all(one.ratio.value < 0.3 for one in nothing if one.scale == "log")


def test_the_interval_of_the_ratio_of_variances_covers_what_is_expected_of_it():
    """Without any effect the means of n networks vary by the variance within over n."""
    covered = 0
    for seed in range(40):
        one = next(one for one in variances(networks(seed=seed)) if (one.group, one.scale) == ("small", "log"))
        covered += one.ratio.low <= 1 / 24 <= one.ratio.high
    assert covered >= 34


def test_spread_at_equal_size_and_from_seed_to_seed():
    calm = study(activations={"relu": 1.0}, noise=0.02, repeats=4)
    found = spread(calm.main_networks, calm.networks)
    assert found.sizes > 10
    assert found.largest > 5  # which activations make
    assert found.seeds_largest < 1.4  # and seeds do not
    assert found.seeds_median < found.median
    assert spread(networks(candidates=12), networks(candidates=12)).seeds_median is None


def test_what_predicts_the_error_is_what_was_put_in():
    of_size = predictors(networks(per_doubling=-0.3), SPACE.activations, np.random.default_rng(0))
    assert of_size.importances[0].property == "neurons"
    assert of_size.predicted > 0.6
    assert of_size.importances[0].loss.low < of_size.predicted < of_size.importances[0].loss.high + 0.05
    of_activations = predictors(networks(activations={"relu": 0.8}), SPACE.activations, np.random.default_rng(0))
    assert of_activations.importances[0].property == "activations"
    factors = {one.level: one.factor for one in of_activations.levels if one.property == "activations"}
    assert factors["relu"].low < 10 ** (0.8 * 4 / 5) < factors["relu"].high
    assert factors["tanh"].high < 1
    of_nothing = predictors(networks(), SPACE.activations, np.random.default_rng(0))
    assert of_nothing.predicted < 0.05
    assert all(one.loss.low < 0.02 for one in of_nothing.importances)


def test_intervals_of_predictors_cover_what_was_put_in():
    covered = 0
    for seed in range(8):
        table = networks(seed=seed, shapes={"bowtie": 0.3})
        found = predictors(table, SPACE.activations, np.random.default_rng(seed))
        factor = next(one.factor for one in found.levels if one.level == "bowtie")
        covered += factor.low <= 10 ** (0.3 * 5 / 6) <= factor.high
    assert covered >= 6


POINTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30)


@given(POINTS)
def test_the_frontier_is_what_nothing_beats(points):
    costs, errors = zip(*points, strict=True)
    front = [points[index] for index in frontier(costs, errors)]
    assert front == sorted(set(front))
    for cost, error in points:
        assert any(c <= cost and e <= error for c, e in front)
    for cost, error in front:
        assert not any((c < cost and e <= error) or (c <= cost and e < error) for c, e in points)


def test_the_chosen_look_better_than_they_are():
    lucky = study(noise=0.3, repeats=5, repeated=40)
    front = choose(lucky.networks, lucky.candidates, {})
    found = selection(lucky.main_networks, front)
    assert all(one.repeats for one in front[-1:])
    assert found.repeats_ratio > 1.3
    assert found.all_ratio == pytest.approx(1, abs=0.02)


def test_failures_are_counted_and_left_out():
    some = study()
    failed = [
        Outcome(family="ddnn", candidate=one.candidate, seed=0, status="failed", reason="diverged")
        for one in some.outcomes[:3]
    ]
    endless = msgspec.structs.replace(some.outcomes[3], test={"mae": float("inf")})
    broken = type(some)(some.folder, some.plan, [*failed, endless, *some.outcomes[4:]])
    assert broken.failures("ddnn") == 4
    assert len(broken.networks) == 236
    assert analyse([broken], {}, "x").problems[0].families[0].failed == 4


def test_a_harder_problem_is_found_harder():
    found = analyse([study(problem="B"), study(seed=1, problem="C", harder=0.5)], {}, "x").steps
    (step,) = found
    assert (step.simpler, step.harder) == ("B", "C")
    assert step.factor.low < 10**0.5 < step.factor.high
    assert step.networks == 240


def test_one_problem_is_analysed_once():
    with pytest.raises(FhnbenchError, match="2 sweeps of problem C"):
        analyse([study(), study()], {}, "x")


def test_nothing_trained_is_no_analysis():
    nothing = study()
    nothing = type(nothing)(
        nothing.folder,
        nothing.plan,
        [
            Outcome(family="ddnn", candidate=one.candidate, seed=0, status="failed", reason="x")
            for one in nothing.outcomes
        ],
    )
    with pytest.raises(FhnbenchError, match="no network was trained"):
        analyse([nothing], {}, "x")
