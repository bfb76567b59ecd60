"""``fhnbench train``, as a user types it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from fhnbench import load_artifact
from fhnbench.__main__ import main
from fhnbench.dataset.build import build_dataset
from fhnbench.dataset.spec import DatasetSpec
from fhnbench.exit_status import ExitStatus
from fhnbench.problem import standard_problem

QUICK = ["--hidden", "6", "--steps", "60", "--threads", "1"]
QUICK += [word for pair in ("round_steps=20", "batch=16", "finish_steps=0") for word in ("--set", pair)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FHNBENCH_ARTIFACTS", raising=False)
    monkeypatch.setattr("fhnbench.training.record.TEST_SAMPLES", 50)
    return tmp_path


@pytest.mark.parametrize("family", ["ddnn", "itnn", "pinn"])
@pytest.mark.parametrize("recipe", ["best", "paper"])
def test_it_writes_an_artifact_that_repeats_itself(family, recipe, folder, capsys):
    assert main(["train", family, "--problem", "A", "--recipe", recipe, *QUICK]) == ExitStatus.OK
    label = "" if recipe == "best" else "-paper"
    path = folder / "artifacts" / f"{family}-A-6-tanh{label}.safetensors"
    out = capsys.readouterr().out
    assert str(path.relative_to(folder)) in out
    assert "MAE" in out
    trained = load_artifact(path)
    words = trained.metadata.training.command.split()
    assert words[:2] == ["fhnbench", "train"]
    assert main([*words[1:], "--output", "again.safetensors"]) == ExitStatus.OK
    again = load_artifact("again.safetensors")
    assert again.digest == trained.digest
    assert again.metadata.training.command == trained.metadata.training.command


def test_it_overwrites_only_when_told(folder, capsys):
    path = folder / "a.safetensors"
    path.write_text("precious")
    arguments = ["train", "ddnn", "--problem", "A", "--output", str(path), *QUICK]
    assert main(arguments) == ExitStatus.USER_ERROR
    assert "--overwrite" in capsys.readouterr().err
    assert path.read_text() == "precious"
    assert main([*arguments, "--overwrite"]) == ExitStatus.OK
    assert load_artifact(path).metadata.family == "ddnn"


def test_it_trains_on_a_dataset(folder, capsys):
    problem = standard_problem("B", horizon=5.0)
    build_dataset(DatasetSpec(problem, 30), "b.h5")
    given = ["train", "itnn", "--dataset", "b.h5", *QUICK]
    assert main([*given, "--problem", "C"]) == ExitStatus.USER_ERROR
    assert "b.h5: a dataset of problem B, not of C" in capsys.readouterr().err
    assert main([*given, "--output", "b.safetensors"]) == ExitStatus.OK
    metadata = load_artifact("b.safetensors").metadata
    assert metadata.problem == problem
    assert metadata.training.samples == 30 * 5
    assert "--dataset b.h5" in metadata.training.command
    assert "sha256" in metadata.training.options["data"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dnn"], "did you mean 'ddnn'"),
        (["ddnn", "--problem", "D"], "no problem 'D'"),
        (["ddnn", "--activation", "tahn"], "did you mean 'tanh'"),
        (["ddnn", "--activation", "tanh,relu,silu"], "3 activations for 2 hidden layers"),
        (["ddnn", "--hidden", "64,0"], "64,0"),
        (["ddnn", "--hidden", "wide"], "--hidden 'wide'"),
        (["ddnn", "--recipe", "bets"], "did you mean 'best'"),
        (["ddnn", "--set", "lr=1"], "'lr'"),
        (["ddnn", "--set", "learning_rate"], "NAME=VALUE"),
        (["itnn", "--option", "target=delta"], "target"),
        (["itnn", "--option", "unrol=3"], "did you mean 'unroll'"),
        (["itnn", "--option", "unroll=99"], "99 save intervals in a row exceed the horizon, 50"),
        (["itnn", "--option", "finish_unroll=99"], "99 save intervals in a row exceed the horizon, 50"),
        (["ddnn", "--samples", "1"], "samples=1 are too few"),
        (["itnn", "--hidden", "80,80"], "at most 5,000 weights"),
        (["ddnn", "--dataset", "none.h5"], "none.h5"),
        (["ddnn", "--samples", "-3"], "--samples"),
        (["ddnn", "--seed", "-1"], "--seed"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys, folder):
    assert main(["train", *arguments]) == ExitStatus.USER_ERROR
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not list(folder.rglob("*.safetensors"))


LONG = ["train", "ddnn", "--problem", "A", "--hidden", "6", "--threads", "1", "--set", "round_steps=10"]
LONG += ["--set", "batch=16", "--steps", "100", "--output", "a.safetensors"]

STOPPED = """
import os, sys
from fhnbench.__main__ import main
from fhnbench.training import trainer

save = trainer.save_checkpoint

def save_and_stop(*arguments):
    save(*arguments)
    os.kill(os.getpid(), int(sys.argv[1]))

trainer.save_checkpoint = save_and_stop
sys.exit(main(sys.argv[2:]))
"""
"""The command, sent a signal by itself as soon as there is a checkpoint."""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_training_that_was_stopped_goes_on(how, folder):
    command = [sys.executable, "-c", STOPPED, str(int(how)), *LONG]
    stopped = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    checkpoint = folder / "a.checkpoint"
    assert checkpoint.exists(), stopped.stderr
    assert not (folder / "a.safetensors").exists()
    if how == signal.SIGINT:
        assert stopped.returncode == ExitStatus.INTERRUPTED
        assert "a.checkpoint, and the same command goes on from there" in stopped.stderr
    assert main(LONG) == ExitStatus.OK
    assert not checkpoint.exists()
    assert main([*LONG[:-1], "whole.safetensors"]) == ExitStatus.OK
    assert load_artifact("a.safetensors").digest == load_artifact("whole.safetensors").digest
