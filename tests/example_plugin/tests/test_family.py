"""The family: trained, repeated, and its artifact run through the conformance kit on fhnbench's runtime."""

import pytest

from fhnbench import FhnbenchError, TrainingTask, load_artifact, standard_problem, surrogate_family
from fhnbench.testing import Subject, conformance_checks


def task(**changes):
    return TrainingTask(
        **{"family": "elm", "problem": standard_problem("C"), "hidden": (256,), "activations": ("tanh",), **changes}
    )


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    file = tmp_path_factory.mktemp("artifacts") / "elm.safetensors"
    surrogate_family("elm").train(task()).save(file)
    return file


@pytest.mark.parametrize("check", conformance_checks("surrogate"), ids=lambda check: check.name)
def test_conformance(check, artifact):
    check.function(Subject.of(f"elm-cpu[artifact={artifact}]"))


def test_training_repeats(artifact):
    assert surrogate_family("elm").train(task()).digest == load_artifact(artifact).digest
    assert surrogate_family("elm").train(task(seed=1)).digest != load_artifact(artifact).digest


def test_its_error_is_small(artifact):
    assert load_artifact(artifact).metadata.validation["mae"] < 0.05


def test_what_it_cannot_train_is_refused():
    with pytest.raises(FhnbenchError, match="one hidden layer of tanh"):
        surrogate_family("elm").train(task(hidden=(8, 8), activations=("tanh", "tanh")))
    with pytest.raises(FhnbenchError, match="must be positive and finite"):
        surrogate_family("elm", {"ridge": "-1"})


def test_speed(contender_benchmark, artifact):
    contender_benchmark(f"elm-cpu[artifact={artifact}]", "C", size=1000, time_budget_s=0.1)
