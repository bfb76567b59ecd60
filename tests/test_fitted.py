"""The family ``fitted`` and integrators: their start, their derivatives, their runtimes, their training."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from fhnbench import (
    HEUN3,
    Artifact,
    ArtifactMetadata,
    FhnbenchError,
    Integrator,
    Refused,
    TrainingRecord,
    Workload,
    integrate,
    load_artifact,
    standard_problem,
)
from fhnbench.__main__ import main
from fhnbench.dataset.build import build_dataset
from fhnbench.dataset.spec import DatasetSpec
from fhnbench.exit_status import ExitStatus
from fhnbench_cpu.runtime import CpuRuntime
from fhnbench_cpu.solvers import Heun3
from fhnbench_fitted.coefficients import Layout, classical
from fhnbench_fitted.family import Fitted
from fhnbench_fitted.rollout import Rollout

PROBLEM = standard_problem("C", horizon=10.0)
QUICK = ["--steps", "6", "--threads", "1", "--set", "batch=60", "--set", "validation_samples=60"]


def artifact_of(stages: tuple[int, ...], noise: float = 0.0, seed: int = 0) -> Artifact:
    """Return a method whose coefficients are changed at random, so that no symmetry hides a mistake."""
    integrator = Integrator(stages)
    layout, rng = Layout(integrator), np.random.default_rng(seed)
    numbers = rng.uniform(0.02, 0.12, layout.size)
    numbers[:4] = 4.0, 0.3, 0.1, 0.1
    if len(set(stages)) == 1 and stages[0] <= 4:
        numbers = layout.vector(classical(integrator, PROBLEM)) * (1 + noise * rng.normal(size=layout.size))
    metadata = ArtifactMetadata("fitted", PROBLEM, integrator, TrainingRecord("", "", 0, 0, 0, 0.0, 0.0), {})
    return Artifact(metadata, layout.tensors(numbers))


def numbers_of(artifact: Artifact) -> tuple[Layout, np.ndarray]:
    layout = Layout(artifact.structure)
    return layout, layout.vector({name: tensor.astype(np.float64) for name, tensor in artifact.tensors.items()})


def run(artifact: Artifact, size: int, precision: str = "float64", threads: int = 1) -> tuple[Any, np.ndarray]:
    ensemble = PROBLEM.sample(size, seed=size)
    workload = Workload.of(PROBLEM, size, precision, threads)
    execution = CpuRuntime().prepare(Fitted(), artifact, workload)
    execution.upload(ensemble.astype(workload.dtype))
    execution.run()
    return ensemble, execution.output()


# What it computes


def test_the_start_is_the_classical_method() -> None:
    assert artifact_of((3, 3)).structure.stages == (HEUN3.stages,) * 2
    ensemble, states = run(artifact_of((3, 3)), 20)
    workload = Workload.of(PROBLEM, 20, "float64")
    solver = Heun3(0.5).prepare(workload)
    solver.upload(ensemble)
    solver.run()
    np.testing.assert_allclose(states, solver.output(), atol=1e-4)  # the artifact's numbers are float32
    assert abs(states - integrate(PROBLEM, ensemble, 0.01)).mean() < 2e-3


def test_a_step_by_hand() -> None:
    tensors = {
        "units": [2.0, 4.0, 0.5, 0.25],
        "steps.0.cubic": [1.5, 0.75],
        "steps.0.linear": [[0.5, 0.0, 0.25], [0.125, 0.375, 0.625]],
        "steps.0.constant": [[0.1, 0.2], [0.3, 0.4]],
    }
    made = {name: np.array(tensor, np.float32) for name, tensor in tensors.items()}
    metadata = ArtifactMetadata("fitted", PROBLEM, Integrator((2,)), TrainingRecord("", "", 0, 0, 0, 0.0, 0.0), {})
    ensemble, states = run(Artifact(metadata, made), 3)
    i_app = ensemble.i_app
    x, z = ensemble.u0 / 2, 4 * ensemble.w0 + 0.5 * i_app + 0.25
    y = x * (1.5 - x**2) + z
    new_x = y * (0.75 - y**2) + 0.5 * x + 0.25 * z + 0.1 + 0.2 * i_app
    new_z = 0.125 * x + 0.375 * y + 0.625 * z + 0.3 + 0.4 * i_app
    np.testing.assert_allclose(states[1], [2 * new_x, (new_z - 0.5 * i_app - 0.25) / 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("stages", "precision", "size", "threads"),
    [((4, 1, 2), "float32", 1, 2), ((5,), "float32", 300, 1), ((2, 2), "float64", 200, 1)],
)
def test_the_kernel_does_what_the_training_does(stages: Any, precision: str, size: int, threads: int) -> None:
    artifact = artifact_of(stages, 1e-3)
    ensemble, states = run(artifact, size, precision, threads)
    expected = Rollout(*numbers_of(artifact)).states(ensemble, PROBLEM.save_points)
    np.testing.assert_allclose(states, expected, rtol=1e-4 if precision == "float32" else 1e-9, atol=1e-5)
    workload = Workload.of(PROBLEM, 1000, precision)
    begin = 1000 * (4 + sum(stages))
    assert CpuRuntime().cost(artifact, workload).operations == begin + 10 * 1000 * artifact.structure.multiply_adds


def test_torch_does_the_same() -> None:
    import torch

    artifact = artifact_of((3, 3), 1e-3)
    ensemble, states = run(artifact, 50)
    module = Fitted().module(artifact).double()
    inputs = [torch.from_numpy(getattr(ensemble, name)) for name in ("u0", "w0", "i_app")]
    with torch.inference_mode():
        np.testing.assert_allclose(module(*inputs).numpy(), states, rtol=1e-9)
        assert module(*inputs, 4).shape == (4, 2, 50)


def test_derivatives_are_those_of_the_trajectories() -> None:
    layout, numbers = numbers_of(artifact_of((2, 2), 1e-3))
    ensemble = PROBLEM.sample(5, seed=1)
    rollout = Rollout(layout, numbers, derivatives=True)
    found = np.array([[dual[1:] for dual in duals] for duals in rollout.advance(ensemble, 3)])
    for place in range(layout.size):
        there, back = numbers.copy(), numbers.copy()
        there[place] += 1e-6
        back[place] -= 1e-6
        change = Rollout(layout, there).states(ensemble, 4) - Rollout(layout, back).states(ensemble, 4)
        np.testing.assert_allclose(found[:, :, place], change[1:] / 2e-6, rtol=1e-5, atol=1e-7)


def test_a_runtime_for_networks_refuses() -> None:
    from fhnbench_onnxruntime.runtime import OnnxRuntime

    with pytest.raises(Refused, match=r"^only a NetworkModule can be exported, not a IntegratorModule"):
        OnnxRuntime().prepare(Fitted(), artifact_of((2,)), Workload.of(PROBLEM, 10))


# How it is trained


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FHNBENCH_ARTIFACTS", raising=False)
    monkeypatch.setattr("fhnbench.training.record.TEST_SAMPLES", 200)
    return tmp_path


@pytest.mark.parametrize("more", [[], ["--samples", "80"]])
def test_training_lowers_the_error_and_repeats(folder, capsys, more) -> None:
    assert main(["train", "fitted", *QUICK, *more]) == ExitStatus.OK
    assert "artifacts/fitted-C-3x3.safetensors: MAE" in capsys.readouterr().out
    trained = load_artifact("artifacts/fitted-C-3x3.safetensors")
    assert trained.metadata.validation["mae"] < 6e-4  # the method that it starts from: 1.05e-3
    assert trained.metadata.training.samples == (80 if more else 0)
    words = trained.metadata.training.command.split()
    assert main([*words[1:], "--output", "again.safetensors"]) == ExitStatus.OK
    again = load_artifact("again.safetensors")
    assert (again.digest, again.metadata.training.command) == (trained.digest, trained.metadata.training.command)


def test_it_trains_on_a_dataset(folder) -> None:
    build_dataset(DatasetSpec(standard_problem("B"), 60), "b.h5")
    assert main(["train", "fitted", "--dataset", "b.h5", "--hidden", "4", *QUICK, "--output", "a"]) == ExitStatus.OK
    metadata = load_artifact("a").metadata
    assert (metadata.problem.name, metadata.training.samples) == ("B", 60)
    assert metadata.training.options["data"].startswith("b.h5 (sha256 ")


def test_it_trains_without_torch(folder) -> None:
    program = "import sys; sys.modules['torch'] = None; from fhnbench.__main__ import main; sys.exit(main())"
    arguments = ["train", "fitted", "--problem", "A", "--hidden", "2,2", *QUICK, "--output", "a"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert load_artifact("a").metadata.training.options["torch"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activation", "tanh"], "fitted has no activations to choose from; leave out --activation"),
        (["--hidden", "3,2"], "--hidden gives the stages of each step, equally many and at most 4, as in 3,3; not 3,2"),
        (["--hidden", "5"], "at most 4"),
        (["--hidden", "0"], "need at least one step, and each step one stage"),
        (["--hidden", "1"], "the classical method with 1 steps of 1 stages diverges, so there is no start"),
        (["--recipe", "paper"], "no recipe 'paper'; there are best"),
        (["--set", "learning_rate=1"], "a recipe has no 'learning_rate'"),
        (["--set", "batch=0"], "recipe: batch=0 must be at least 1"),
        (["--set", "softness=nan"], "recipe: softness=nan must be positive"),
        (["--set", "batch=many"], "Expected `int`, got `str`"),
        (["--device", "cuda"], "an integrator is fitted on the CPU; leave out --device"),
        (["--option", "order=3"], "'order'"),
    ],
)
def test_what_cannot_be_is_refused(folder, capsys, arguments, message) -> None:
    assert main(["train", "fitted", *QUICK, *arguments]) == ExitStatus.USER_ERROR
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert not list(folder.rglob("*.safetensors"))


def test_a_time_budget_ends_it(folder) -> None:
    assert main(["train", "fitted", *QUICK, "--time-budget", "0.001", "--output", "a"]) == ExitStatus.OK
    training = load_artifact("a").metadata.training
    assert training.steps == 2
    assert "--set steps=2" in training.command


def test_stages_without_a_classical_method() -> None:
    with pytest.raises(FhnbenchError, match="at most 4"):
        classical(Integrator((6,)), PROBLEM)
