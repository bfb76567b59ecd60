"""``fhnbench sweep run`` as a user types it: kept, resumed, refused, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import psutil
import pytest
import torch

from fhnbench import FhnbenchError, NetworkModule, standard_problem
from fhnbench.__main__ import main
from fhnbench.exit_status import ExitStatus
from fhnbench_sweep.analysis.study import read_study
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.plan import Space, encode_plan
from fhnbench_sweep.run_command import best_by_size
from fhnbench_sweep.selection import every_architecture, select
from fhnbench_sweep.store import artifact_of

SMALL = (
    "--set", "steps=20", "--set", "round_steps=10", "--set", "batch=32", "--set", "samples=100", "--set",
    "validation_samples=8", "--test-samples", "16",
)  # fmt: skip


@pytest.fixture
def plan(tmp_path):
    space = Space(layers=(1, 3), neurons=(8, 40))
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(select("C", space, every_architecture(space), 6, 0)))
    return path


@pytest.fixture
def sweep_run(capsys, plan, tmp_path):
    """Return a function that runs the command on a plan and gives its status and what it printed."""

    def run(*words, of=plan):
        status = main(["sweep", "run", str(of), "-o", str(tmp_path / "sweep"), *words])
        return status, "".join(capsys.readouterr())

    return run


def outcomes_of(folder):
    return [msgspec.json.decode(line, type=Outcome) for line in (folder / "outcomes.jsonl").read_bytes().splitlines()]


def test_each_candidate_has_an_outcome_and_its_weights_give_its_error(sweep_run, tmp_path):
    folder = tmp_path / "sweep"
    status, said = sweep_run("--family", "ddnn,itnn", *SMALL)
    assert status == ExitStatus.OK, said
    assert "ddnn: 6 trained; best on validation: c000" in said
    study = read_study(folder)
    assert sorted((one.family, one.candidate) for one in study.outcomes) == [
        (family, f"c{k:04}") for family in ("ddnn", "itnn") for k in range(6)
    ]
    status, said = sweep_run("--family", "ddnn,itnn", *SMALL)
    assert status == ExitStatus.OK, said
    assert read_study(folder).outcomes == study.outcomes
    artifact = artifact_of(folder, study.outcomes[0])
    assert artifact.metadata.training.recipe == "sweep"
    module = NetworkModule.of(artifact)
    states = module(*(torch.full((4,), 0.1) for _ in range(3)), standard_problem("C").save_points)
    assert states.shape == (51, 2, 4)


def test_a_sweep_that_was_cut_short_goes_on(sweep_run, tmp_path):
    folder = tmp_path / "sweep"
    assert sweep_run(*SMALL)[0] == ExitStatus.OK
    file = folder / "outcomes.jsonl"
    whole = {one.candidate: one for one in outcomes_of(folder)}
    first, second, *_ = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[: len(second) // 2])
    status, said = sweep_run(*SMALL)
    assert status == ExitStatus.OK, said
    found = {one.candidate: one for one in outcomes_of(folder)}
    assert found.keys() == whole.keys()
    for name, one in found.items():
        assert one.validation_mae == pytest.approx(whole[name].validation_mae, rel=1e-3)


def test_what_is_best_for_its_size_is_trained_with_other_seeds(sweep_run, tmp_path):
    folder = tmp_path / "sweep"
    status, said = sweep_run(*SMALL, "--frontier-seeds", "3")
    assert status == ExitStatus.OK, said
    study = read_study(folder)
    best = {one.name for one in best_by_size(study.outcomes, study.plan.candidates, "ddnn", 0)}
    assert best
    assert {(one.candidate, one.seed) for one in study.outcomes if one.seed} == {
        (name, seed) for name in best for seed in (1, 2)
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--family", "dnn"), "ddnn"),
        (("--family", "fitted"), "this family trains by a method of its own"),
        (("--recipe", "best"), "recipe: optimizer=soap"),
        (("--recipe", "bets"), "no recipe 'bets'"),
        (("--set", "stepz=3"), "a recipe has no 'stepz'"),
        (("--set", "steps"), "give NAME=VALUE"),
        (("--workers", "2", "--scheduler", "tcp://x"), "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(sweep_run, tmp_path, words, reason):
    status, said = sweep_run(*words)
    assert status == ExitStatus.USER_ERROR
    assert reason in said
    assert "Traceback" not in said
    assert not (tmp_path / "sweep" / "outcomes.jsonl").exists()


def test_another_sweep_is_not_mixed_in(sweep_run, plan, tmp_path):
    folder = tmp_path / "sweep"
    assert sweep_run(*SMALL)[0] == ExitStatus.OK
    before = (folder / "outcomes.jsonl").read_bytes()
    status, said = sweep_run(*SMALL, "--set", "learning_rate=0.5")
    assert status == ExitStatus.USER_ERROR
    assert "another recipe of ddnn" in said
    other = tmp_path / "other.json"
    other.write_bytes(plan.read_bytes().replace(b'"C"', b'"B"'))
    assert other.read_bytes() != plan.read_bytes()
    status, said = sweep_run(*SMALL, of=other)
    assert status == ExitStatus.USER_ERROR
    assert "another plan" in said
    plan.write_text("{")
    status, said = sweep_run(*SMALL)
    assert status == ExitStatus.USER_ERROR
    assert "not the plan of a sweep" in said
    assert (folder / "outcomes.jsonl").read_bytes() == before


def test_weights_that_are_gone_are_named(sweep_run, tmp_path):
    folder = tmp_path / "sweep"
    assert sweep_run(*SMALL)[0] == ExitStatus.OK
    for file in (folder / "weights").iterdir():
        file.unlink()
    with pytest.raises(FhnbenchError, match="train the sweep again"):
        artifact_of(folder, outcomes_of(folder)[0])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("target", ["worker", "coordinator"])
def test_a_process_that_is_killed_loses_no_outcome(plan, tmp_path, target):
    """A worker's batch is trained elsewhere; a command that was killed goes on when it is typed again."""
    folder = tmp_path / "sweep"
    words = ["sweep", "run", str(plan), "-o", str(folder), "--workers", "2", *SMALL, "--set", "steps=1000"]
    command = [sys.executable, "-m", "fhnbench", *words]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (folder / "outcomes.jsonl").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid if target == "coordinator" else busiest_child(process.pid), signal.SIGKILL)
    process.wait(timeout=240)
    if target == "coordinator":
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=240).returncode == 0
    else:
        assert process.returncode == ExitStatus.OK
    found = outcomes_of(folder)
    assert sorted(one.candidate for one in found) == [f"c{k:04}" for k in range(6)]
    assert all(one.status == "trained" and np.isfinite(one.test["mae"]) for one in found)


def busiest_child(parent: int) -> int:
    return max(psutil.Process(parent).children(), key=lambda child: child.cpu_times().user).pid


def test_the_speed_of_stacks_and_of_plain_torch_is_measured_in_turns(plan, tmp_path, capsys):
    target = tmp_path / "speed.json"
    words = ["--family", "ddnn,itnn", "--workers", "1", "--alone", "2", "--steps", "1", "--rounds", "2", *SMALL[:-2]]
    assert main(["sweep", "speed", str(plan), "-o", str(target), *words]) == ExitStatus.OK
    shown = capsys.readouterr().out
    record = msgspec.json.decode(target.read_bytes())
    assert [one["family"] for one in record["families"]] == ["ddnn", "itnn"]
    for one in record["families"]:
        assert (one["networks"], one["samples"], one["alone_networks"], one["workers"]) == (6, 32, 2, 1)
        ratios = [mine / other for mine, other in zip(one["stacked"], one["alone"], strict=True)]
        assert min(ratios) <= one["low"] <= one["ratio"] <= one["high"] <= max(ratios)
        assert f"{one['ratio']:.3g}" in shown
    assert main(["sweep", "speed", str(plan), "--family", "dnn"]) == ExitStatus.USER_ERROR
    assert "ddnn" in capsys.readouterr().err
