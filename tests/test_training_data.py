"""What surrogates are trained on, and that evaluation never sees it."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fhnbench import FhnbenchError, Recipe, TrainingData, standard_problem
from fhnbench.reference import integrate
from fhnbench.training.data import Supply, even_points
from fhnbench.training.seeds import Stream, stream_seed

SEEDS = st.integers(0, 2**32 - 1)


@dataclasses.dataclass
class Needs:
    window: int | None = 0
    domain: bool = False


def supply(problem, recipe, needs, given=None, seed=0):
    made = Supply(problem, recipe, seed, "cpu", given)
    made.require(needs)
    made.begin_round(0)
    return made


@given(SEEDS, SEEDS, st.sampled_from(Stream), st.sampled_from(Stream), SEEDS, SEEDS)
def test_streams_never_meet(seed, other_seed, stream, other_stream, number, other_number):
    first, second = stream_seed(seed, stream, number), stream_seed(other_seed, other_stream, other_number)
    assert (first == second) == ((seed, stream, number) == (other_seed, other_stream, other_number))


@given(SEEDS, st.sampled_from(Stream), SEEDS)
def test_no_dataset_has_a_seed_of_training(seed, stream, number):
    assert stream_seed(seed, stream, number) > np.iinfo(np.uint64).max


@pytest.mark.parametrize("name", ["A", "B", "C"])
@pytest.mark.parametrize("window", [0, 3])
@pytest.mark.parametrize("samples", [0, 200])
def test_batches_hold_points_of_trajectories(name, window, samples):
    problem = standard_problem(name, horizon=10.0)
    recipe = Recipe(pool=50, samples=samples, points_per_interval=4, dt=0.05)
    batch = supply(problem, recipe, Needs(window)).draw(40)
    assert batch.states.shape == (1 + window, 2, 40)
    assert batch.points.t.max() <= 10 - window
    finer = dataclasses.replace(problem, save_interval=0.25)
    for k in range(5):
        one = dataclasses.replace(
            finer,
            u0=(float(batch.points.initial[0, k]),) * 2,
            w0=(float(batch.points.initial[1, k]),) * 2,
            i_app=(float(batch.points.i_app[k]),) * 2,
        )
        states = integrate(one, one.sample(1), 0.05)[:, :, 0]
        first = round(float(batch.points.t[k]) / 0.25)
        np.testing.assert_allclose(batch.states[:, :, k], states[first : first + 4 * window + 1 : 4], atol=1e-5)


def test_a_round_repeats_and_rounds_differ():
    recipe = Recipe(pool=50)
    first, again = (supply(standard_problem("C"), recipe, Needs(1), seed=5) for _ in range(2))
    assert torch.equal(first.draw(8).states, again.draw(8).states)
    again.begin_round(1)
    first.begin_round(0)
    assert not torch.equal(first.draw(8).states, again.draw(8).states)


def test_a_small_fixed_set_is_used_whole():
    batch = supply(standard_problem("C"), Recipe(samples=30), Needs(0)).draw(1000)
    assert batch.points.t.numel() == 30


def test_a_small_fixed_set_is_drawn_from_repeatedly_only_where_all_parts_must_have_one_size():
    made = supply(standard_problem("C"), Recipe(samples=30), Needs(0, domain=True))
    assert [made.draw(1000).points.size, made.draw_even(1000).points.size] == [30, 1000]
    assert [made.draw(1000).domain.size, made.draw_even(1000).domain.size] == [1000, 1000]


def test_shares_are_of_the_batch_and_points_at_the_start_have_initial_states_of_the_domain():
    recipe = Recipe(pool=500, domain_share=0.25, start_share=0.1)
    made = supply(standard_problem("C"), recipe, Needs(0, domain=True))
    batch = made.draw(100)
    assert (batch.points.size, batch.domain.size, batch.start.size) == (100, 25, 10)
    assert torch.equal(batch.start.initial, batch.domain.initial[:, :10])
    assert torch.equal(batch.start.i_app, batch.domain.i_app[:10])
    assert not batch.start.t.any()
    assert batch.domain.t.all()
    even = made.draw_even(100)
    assert [leaf.shape[-1] for leaf in even.leaves()] == [100] * 10
    assert [leaf.shape[-1] for leaf in even[10:30].leaves()] == [20] * 10


def test_the_horizon_grows_with_a_curriculum():
    made = supply(standard_problem("C"), Recipe(pool=500), Needs(0, domain=True))
    batch = made.draw(500, 0.2)
    assert 5 < batch.points.t.max() <= 10
    assert 9 < batch.domain.t.max() <= 10


def test_domain_points_fill_the_ranges():
    problem = standard_problem("C")
    batch = supply(problem, Recipe(), Needs(None, domain=True)).draw(4000)
    assert batch.states is None
    domain = batch.domain
    for values, (low, high) in zip(
        (domain.t, *domain.initial, domain.i_app), ((0, 50), problem.u0, problem.w0, problem.i_app), strict=True
    ):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high >= values.max() > high - 0.01 * (high - low)


def test_given_trajectories_are_used():
    problem = standard_problem("B", horizon=5.0)
    ensemble = problem.sample(20, seed=1)
    states = np.arange(6 * 2 * 20, dtype=float).reshape(6, 2, 20)
    made = supply(problem, Recipe(), Needs(1), TrainingData("file.h5", "0" * 64, ensemble, states))
    batch = made.draw(100)
    assert made.size == 100
    first = batch.points.t.long()
    sample = (batch.states[0, 0] % 20).long()
    assert torch.equal(batch.states[0, 0], first * 40.0 + sample)
    assert torch.equal(batch.states[1, 0], (first + 1) * 40.0 + sample)
    np.testing.assert_array_equal(batch.points.initial[0], ensemble.u0.astype(np.float32)[sample])


def test_a_window_beyond_the_horizon_is_refused():
    with pytest.raises(FhnbenchError, match="11 save intervals in a row exceed the horizon, 10"):
        supply(standard_problem("B", horizon=10.0), Recipe(), Needs(11))


@settings(deadline=None)
@given(st.integers(500, 2000), st.integers(1, 4), SEEDS)
def test_even_points_are_even(size, dimensions, seed):
    points = even_points(size, dimensions, seed)
    assert points.shape == (size, dimensions)
    assert points.min() >= 0
    assert points.max() < 1
    # Each half of each axis, and each quadrant of each pair of axes, holds its share.
    for axis in points.T:
        assert abs((axis < 0.5).mean() - 0.5) < 0.05
    for first, second in itertools.combinations(points.T, 2):
        assert abs(((first < 0.5) & (second < 0.5)).mean() - 0.25) < 0.06
