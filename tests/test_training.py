"""The trainer: what it repeats, resumes, stops and records."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from fhnbench import (
    FhnbenchError,
    Objective,
    Problem,
    Recipe,
    TrainingDesign,
    TrainingDiverged,
    TrainingTask,
    Unavailable,
    iterative_network,
    load_artifact,
    standard_problem,
    train_surrogate,
    typical_trajectories,
)
from fhnbench.training.recipes import choose_recipe

QUICK = Recipe(pool=256, batch=64, steps=60, round_steps=20, validation_samples=20, finish_batch=50)
RECIPES = {"quick": QUICK, "soap": QUICK.replace({"optimizer": "soap"})}


class NextState(Objective):
    window = 1
    domain = False
    weights = MappingProxyType({"next": 1.0})

    def residuals(self, model, batch):
        return {"next": model.advance(state=batch.states[0], i_app=batch.points.i_app) - batch.states[1:]}


class Interrupted(NextState):
    """Raises in the middle of a round, as Ctrl-C does."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def loss(self, model, batch, softness=0.0):
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        return super().loss(model, batch, softness)


class Exploding(NextState):
    def __init__(self, calls: int) -> None:
        self.calls = calls

    def residuals(self, model, batch):
        self.calls -= 1
        factor = float("nan") if self.calls < 0 else 1.0
        return {name: factor * r for name, r in super().residuals(model, batch).items()}


@pytest.fixture(autouse=True)
def small_test_set(monkeypatch):
    monkeypatch.setattr("fhnbench.training.record.TEST_SAMPLES", 50)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return standard_problem("B", horizon=10.0)


@pytest.fixture
def task(problem, tmp_path) -> TrainingTask:
    return TrainingTask(
        "example", problem, (6,), ("tanh",), checkpoint=tmp_path / "state.checkpoint", recipe="quick", seed=3
    )


def train(task: TrainingTask, objective: Objective | None = None):
    network = iterative_network(task.problem, task.hidden, task.activations, typical_trajectories(task.problem))
    return train_surrogate(task, TrainingDesign(network, objective or NextState(), RECIPES))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_seed_repeats_to_the_last_bit(task, recipe):
    task = dataclasses.replace(task, recipe=recipe, overrides={"finish_steps": 5})
    first, again = train(task), train(task)
    assert first.digest == again.digest
    assert first.metadata.validation == again.metadata.validation
    assert train(dataclasses.replace(task, seed=4)).digest != first.digest


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("calls", [0, 19, 20, 47])
def test_a_resumed_training_equals_an_uninterrupted_one(task, recipe, calls):
    task = dataclasses.replace(task, recipe=recipe)
    whole = train(task)
    with pytest.raises(KeyboardInterrupt):
        train(task, Interrupted(calls))
    assert task.checkpoint.exists() == (calls >= 20)
    assert train(task).digest == whole.digest
    assert not task.checkpoint.exists()


def test_the_second_phase_resumes(task, monkeypatch):
    task = dataclasses.replace(task, overrides={"finish_steps": 15})
    whole = train(task)
    steps = []

    def report(progress):
        steps.append(progress.step)
        if progress.step == 72:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataclasses.replace(task, report=report))
    resumed = []
    assert train(dataclasses.replace(task, report=lambda p: resumed.append(p.step))).digest == whole.digest
    assert resumed == [71, 72, 73, 74, 75]


def test_a_nan_stops_with_its_step_and_keeps_the_last_good_state(task):
    with pytest.raises(TrainingDiverged, match=r"nan at step 31 .*last good state is kept in .*state\.checkpoint"):
        train(task, Exploding(30))
    assert train(task).digest == train(task).digest  # goes on from step 20, then anew


def test_without_a_good_state_the_message_says_so(task):
    with pytest.raises(TrainingDiverged, match=r"at step 1 .*no good state was reached"):
        train(task, Exploding(0))


def test_another_training_is_not_resumed_from_a_checkpoint(task):
    with pytest.raises(KeyboardInterrupt):
        train(task, Interrupted(30))
    with pytest.raises(FhnbenchError, match="checkpoint of another training"):
        train(dataclasses.replace(task, seed=9))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + bytes(100)])
def test_a_damaged_checkpoint_is_refused(task, content):
    task.checkpoint.write_bytes(content)
    with pytest.raises(FhnbenchError, match=r"state\.checkpoint: not a readable checkpoint .*delete it"):
        train(task)


def test_a_checkpoint_that_would_run_code_is_refused(task, tmp_path):
    class Malicious:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state": Malicious()}, task.checkpoint)
    with pytest.raises(FhnbenchError, match="not a readable checkpoint"):
        train(task)
    assert not (tmp_path / "ran").exists()


def test_the_best_weights_are_kept_not_the_last(task, monkeypatch):
    errors = iter([3.0, 1.0, 2.0])
    weights = []

    def mae(_, module):
        weights.append([value.detach().clone() for value in module.parameters()])
        return next(errors)

    monkeypatch.setattr("fhnbench.training.trainer.HeldOut.mae", mae)
    artifact = train(task)
    assert artifact.metadata.training.options["best_step"] == 40
    kept = [*artifact.weights, *artifact.biases]
    for one, second, last in zip(kept, weights[1], weights[2], strict=True):
        np.testing.assert_array_equal(one, second)
        assert not np.array_equal(one, last)


def test_plateau_lowers_the_rate_and_early_stop_ends(task):
    rates = []
    overrides = {
        "schedule": "plateau",
        "learning_rate": 1e-12,
        "plateau_patience": 2,
        "plateau_factor": 0.1,
        "early_stop": 5,
        "steps": 1000,
    }
    artifact = train(dataclasses.replace(task, overrides=overrides, report=lambda p: rates.append(p.learning_rate)))
    # A rate that is far too small: nothing improves but by rounding.
    assert artifact.metadata.training.steps < 1000
    assert min(rates) < 1e-12


def test_a_time_budget_becomes_steps_that_the_command_repeats(task):
    budgeted = train(dataclasses.replace(task, time_budget=0.2))
    steps = budgeted.metadata.training.steps
    assert steps % QUICK.round_steps == 0
    assert f"--set steps={steps}" in budgeted.metadata.training.command
    assert train(dataclasses.replace(task, overrides={"steps": steps})).digest == budgeted.digest


def test_the_record_repeats_the_training(task, tmp_path):
    task = dataclasses.replace(task, options={"target": "state"}, overrides={"samples": 500, "method": "euler"})
    artifact = train(task)
    artifact.save(tmp_path / "a.safetensors")
    metadata = load_artifact(tmp_path / "a.safetensors").metadata
    assert metadata == artifact.metadata
    training = metadata.training
    assert training.command == (
        "fhnbench train example --problem B --hidden 6 --activation tanh --recipe quick --seed 3 "
        "--option target=state --set samples=500 --set method=euler --threads 1"
    )
    assert (training.samples, training.steps, training.seed) == (500, 60, 3)
    assert training.options["recipe"]["method"] == "euler"
    assert training.options["versions"]["torch"] == torch.__version__
    assert {"mae", "rmse", "p999", "max", "samples"} <= set(metadata.validation)


def test_progress_counts_up_to_the_end(task):
    seen = []
    train(dataclasses.replace(task, report=seen.append, overrides={"finish_steps": 5}))
    assert [p.step for p in seen] == sorted(p.step for p in seen)
    assert seen[-1].step == seen[-1].steps == 65
    assert np.isfinite(seen[-1].validation_mae)
    assert seen[-1].best_mae <= seen[0].best_mae


def test_a_missing_device_is_refused(task):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(Unavailable, match="no CUDA device"):
        train(dataclasses.replace(task, device="cuda"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"learning_rte": 1.0}, "did you mean 'learning_rate'"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate": "nan"}, "learning_rate=nan must be positive"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"batch": 0}, "batch=0 must be positive"),
        ({"steps": 0}, "nothing to do"),
        ({"warmup": 1.5}, "between 0 and 1"),
        ({"samples": -1}, "samples=-1"),
    ],
)
def test_a_recipe_refuses_what_cannot_be(overrides, message):
    with pytest.raises(FhnbenchError, match=message):
        choose_recipe(RECIPES, "quick", overrides)


def test_an_unknown_recipe_names_the_closest():
    with pytest.raises(FhnbenchError, match="no recipe 'quik'; did you mean 'quick'"):
        choose_recipe(RECIPES, "quik", {})


def test_overrides_are_converted_from_text():
    recipe = choose_recipe(RECIPES, "quick", {"learning_rate": "2e-3", "batch": "7", "optimizer": "soap"})
    assert (recipe.learning_rate, recipe.batch, recipe.optimizer) == (2e-3, 7, "soap")


def test_a_network_that_is_too_large_for_the_second_phase_is_refused(task):
    task = dataclasses.replace(
        task, hidden=(80, 80), activations=("tanh",) * 2, overrides={"finish_steps": 1, "steps": 20}
    )
    with pytest.raises(FhnbenchError, match=r"at most 5,000 weights.*finish_steps=0"):
        train(task)
