"""Many networks trained at a time: each as if it were alone, and none harmed by another."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from fhnbench import FhnbenchError, Recipe, TrainingTask, standard_problem, surrogate_family, train_surrogate
from fhnbench_sweep.batches import MOST, batched
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.plan import Candidate
from fhnbench_sweep.shapes import shape_of
from fhnbench_sweep.training import Job, StackTraining, require_trainable, train_batch

RECIPE = Recipe(samples=500, batch=64, steps=40, round_steps=20, validation_samples=16, learning_rate=3e-3)
CANDIDATES = (
    ("c0000", (7, 5), ("tanh", "tanh")),
    ("c0001", (3, 9), ("tanh", "sin")),
    ("c0002", (8, 8), ("silu", "sigmoid")),
    ("c0003", (4, 2), ("relu", "relu")),
)


def job(family: str = "ddnn", problem: str = "C", recipe: Recipe = RECIPE, candidates=CANDIDATES) -> bytes:
    asked = Job(name="b", problem=problem, family=family, candidates=candidates, recipe=recipe, seed=3, test_samples=64)
    return msgspec.json.encode(asked)


def trained(content: bytes):
    outcomes, weights = train_batch(content)
    return msgspec.json.decode(outcomes, type=list[Outcome]), weights


@pytest.mark.parametrize("schedule", ["plateau", "one-cycle"])
@pytest.mark.parametrize("family", ["ddnn", "pinn", "itnn"])
def test_a_stack_gives_what_each_network_gives_alone(family, schedule, tmp_path, monkeypatch):
    monkeypatch.setattr("fhnbench.training.record.TEST_SAMPLES", 64)
    recipe = RECIPE.replace({"schedule": schedule, "plateau_patience": 1})
    outcomes, weights = trained(job(family, recipe=recipe))
    assert [outcome.candidate for outcome in outcomes] == [name for name, _, _ in CANDIDATES]
    for (name, hidden, activations), outcome in zip(CANDIDATES, outcomes, strict=True):
        task = TrainingTask(
            family, standard_problem("C"), hidden, activations, tmp_path / "c", "paper", 3, msgspec.to_builtins(recipe)
        )
        alone = train_surrogate(task, surrogate_family(family, {}).design(task))
        assert outcome.status == "trained"
        assert outcome.best_step == alone.metadata.training.options["best_step"]
        for kind, expected in (("weight", alone.weights), ("bias", alone.biases)):
            for layer, values in enumerate(expected):
                np.testing.assert_allclose(weights[f"{family}/{name}/3/{kind}{layer}"], values, rtol=1e-3, atol=2e-5)


def test_what_a_network_learns_does_not_depend_on_its_batch():
    together, weights = trained(job())
    for place, candidate in enumerate(CANDIDATES):
        (alone,), own = trained(job(candidates=(candidate,)))
        assert together[place].validation_mae == pytest.approx(alone.validation_mae, rel=1e-3)
        assert together[place].test["mae"] == pytest.approx(alone.test["mae"], rel=1e-3)
        for name, values in own.items():
            np.testing.assert_allclose(weights[name], values, rtol=1e-3, atol=2e-5)


def test_a_network_that_diverges_is_an_outcome_and_harms_no_other():
    training = StackTraining(msgspec.json.decode(job(candidates=CANDIDATES[:2]), type=Job))
    with torch.no_grad():
        training.stack.weights[0][0, 0, 0] = torch.inf
    outcomes, weights = training.run()
    assert outcomes[0].status == "failed"
    assert outcomes[0].reason == "the loss is nan at step 1"
    assert outcomes[0].test == {}
    (alone,), _ = trained(job(candidates=CANDIDATES[1:2]))
    assert outcomes[1].status == "trained"
    assert outcomes[1].validation_mae == pytest.approx(alone.validation_mae, rel=1e-3)
    assert all(np.isfinite(values).all() for name, values in weights.items() if "c0001" in name)


def test_networks_that_are_done_leave_the_stack_and_the_rest_goes_on_unchanged():
    recipe = RECIPE.replace({"steps": 200, "round_steps": 10, "early_stop": 2, "schedule": "plateau"})
    outcomes, _ = trained(job(recipe=recipe))
    assert len({outcome.steps for outcome in outcomes}) > 1
    for place, candidate in enumerate(CANDIDATES):
        (alone,), _ = trained(job(recipe=recipe, candidates=(candidate,)))
        assert outcomes[place].steps == alone.steps
        assert outcomes[place].validation_mae == pytest.approx(alone.validation_mae, rel=1e-2)


def test_problem_a_has_a_single_trajectory():
    outcomes, _ = trained(job(problem="A"))
    assert all(outcome.status == "trained" for outcome in outcomes)


@pytest.mark.parametrize(("name", "value"), [("optimizer", "soap"), ("finish_steps", 5), ("curriculum", 3)])
def test_recipes_that_stacks_do_not_follow_are_refused(name, value):
    with pytest.raises(FhnbenchError, match=f"recipe: {name}={value}"):
        require_trainable(RECIPE.replace({name: value}))


def test_each_candidate_is_in_one_batch_of_its_own_number_of_layers():
    rng = np.random.default_rng(0)
    hidden = [tuple(int(n) for n in rng.integers(2, 100, layers)) for layers in rng.integers(1, 6, 300)]
    candidates = [
        Candidate(name=f"c{k:04}", hidden=sizes, activations=("tanh",) * len(sizes), shape=shape_of(sizes), size_bin=0)
        for k, sizes in enumerate(hidden)
    ]
    batches = batched(candidates, 256)
    assert sorted(one.name for batch in batches for one in batch) == [one.name for one in candidates]
    assert all(len({len(one.hidden) for one in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) <= MOST
    assert len(batches) < len(candidates) / 4
    assert batched(candidates[::-1], 256) == batches


def test_candidates_that_do_not_pad_each_other_are_trained_together():
    candidates = [
        Candidate(name=f"c{k:04}", hidden=sizes, activations=("tanh", "relu"), shape=shape_of(sizes), size_bin=0)
        for k, sizes in enumerate([(8, 8)] * 20 + [(400, 16)] * 3 + [(16, 400)] * 3)
    ]
    batches = batched(candidates, 256)
    assert sorted(len(batch) for batch in batches) == [3, 3, 20]
    assert all(len({one.hidden for one in batch}) == 1 for batch in batches)


def test_the_stack_leaves_torch_as_it_found_it():
    threads = torch.get_num_threads()
    trained(job(candidates=CANDIDATES[:1]))
    assert torch.get_num_threads() == threads
