"""What plugins use of the public API that no test of a larger part names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import numba
import numpy as np
import pytest
from matplotlib.figure import Figure

import fhnbench
from fhnbench import TrainingProgress, TrainingTask, Workload, standard_problem
from fhnbench.testing import CheckedContender, CheckResult

PROBLEM = standard_problem("C")


def test_evidence_bounds_the_change_of_a_reference() -> None:
    ensemble = PROBLEM.sample(20, seed=5)
    _, coarse = fhnbench.reference_trajectories(PROBLEM, ensemble, 0.1)
    _, fine = fhnbench.reference_trajectories(PROBLEM, ensemble, 0.05)
    assert isinstance(fine, fhnbench.ReferenceEvidence)
    assert 0 < fine.mean_change < fine.max_change
    assert fine.mean_change < coarse.mean_change / 4


@pytest.mark.skipif(os.name == "nt", reason="Windows has a cache folder of its own")
def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fhnbench.cache_folder("kernels") == tmp_path / "fhnbench" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert fhnbench.cache_folder("kernels") == Path.home() / ".cache" / "fhnbench" / "kernels"


def test_registers_are_those_that_machine_code_uses() -> None:
    assert fhnbench.REGISTER_BYTES in {16, 32, 64}
    assert fhnbench.REGISTERS in {16, 32}
    assert fhnbench.REGISTER_BYTES < 64 or fhnbench.REGISTERS == 32  # AVX-512 has both


def test_threads_of_loops_are_set_or_refused() -> None:
    fhnbench.use_threads(1)
    assert numba.get_num_threads() == 1
    fhnbench.use_threads()
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS
    with pytest.raises(fhnbench.Refused, match="threads asked for, this process may use"):
        fhnbench.use_threads(10_000)


def test_folded_cost_counts_steps_and_bytes() -> None:
    workload = Workload(10, save_points=3)
    once, twice = (fhnbench.folded_cost(fhnbench.HEUN, workload, substeps) for substeps in (4, 8))
    assert once.bytes == twice.bytes == 10 * (3 + 2 * 3) * 4
    assert twice.operations - once.operations == 10 * 2 * 4 * fhnbench.HEUN.operations


def test_suggestions() -> None:
    assert fhnbench.suggestion("oiler", ["euler", "heun"]) == "did you mean 'euler'? there are euler, heun"
    assert fhnbench.suggestion("x", []) == "there are none"
    many = [f"rk{order}" for order in range(30)]
    told = fhnbench.suggestion("rk12b", many, "fhnbench plugins")
    assert told == "did you mean 'rk12'? fhnbench plugins lists all 30"
    assert fhnbench.suggestion("x", many).endswith("rk28, rk29")


def test_every_spec_is_one_and_checks_its_names() -> None:
    for kind in (fhnbench.SolverSpec, fhnbench.SurrogateSpec, fhnbench.RuntimeSpec, fhnbench.CommandSpec):
        assert issubclass(kind, fhnbench.Spec)
    with pytest.raises(fhnbench.FhnbenchError, match="use lower-case letters"):
        fhnbench.Spec("Upper", "m:C", "")


def test_progress_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with fhnbench.reporting("working") as report:
        report("half", 0.5)
        report.fraction(1.0)
    assert capfd.readouterr() == ("", "")


def test_a_training_reports_to_its_task() -> None:
    seen: list[TrainingProgress] = []
    task = TrainingTask("elm", PROBLEM, (4,), ("tanh",), report=seen.append)
    task.report(TrainingProgress(1, 2, 0.5, 0.4, 0.3, 1e-3, 7.0))
    assert (seen[0].step, seen[0].steps, seen[0].remaining_s) == (1, 2, 7.0)


def test_a_training_record_repeats_the_training() -> None:
    task = TrainingTask("elm", PROBLEM, (4,), ("tanh",), seed=3, options={"ridge": 0.1})
    made = fhnbench.training_record(
        task, fhnbench.PAPER_RECIPE, samples=5, steps=6, seconds=1.0, data_seconds=2.0, best_step=4
    )
    assert made.command.startswith("fhnbench train elm --problem C --hidden 4 --activation tanh")
    assert "--seed 3 --option ridge=0.1" in made.command
    assert (made.samples, made.steps, made.options["best_step"]) == (5, 6, 4)


def test_held_out_trajectories_measure_what_is_given() -> None:
    held_out = fhnbench.HeldOut.sample(PROBLEM, 8, 3, fhnbench.Stream.TEST)
    exact = fhnbench.integrate(PROBLEM, held_out.ensemble, PROBLEM.save_interval / 20, "rk4")
    assert held_out.mae_of(exact) == 0
    assert held_out.mae_of(exact + 0.25) == pytest.approx(0.25)
    assert held_out.mae_of(exact * np.nan) == float("inf")


def test_errors_on_the_test_trajectories() -> None:
    alike = standard_problem("A")  # one trajectory, so that this is quick
    errors = fhnbench.test_record(alike, lambda of: fhnbench.integrate(alike, of, alike.save_interval / 20, "rk4"))
    assert errors["samples"] == 1
    assert errors["mae"] == errors["max"] == 0


def test_a_contender_conforms_if_every_check_has_a_result() -> None:
    passed, failed = CheckResult("order", "passed"), CheckResult("cost", "failed", "it is free")
    assert CheckedContender("a-b", {}, 1, results=(passed,)).conforms
    assert not CheckedContender("a-b", {}, 2, results=(passed,)).conforms
    assert not CheckedContender("a-b", {}, 2, results=(passed, failed)).conforms
    assert not CheckedContender("a-b", {}, 0, not_checked="no GPU").conforms


def test_the_inputs_of_networks_are_what_problems_give() -> None:
    assert set(get_args(fhnbench.NetworkInput)) == {"t", "u", "w", "i_app"}
    for hidden in (fhnbench.direct_network, fhnbench.iterative_network):
        network = hidden(PROBLEM, (4,), ("tanh",), fhnbench.integrate(PROBLEM, PROBLEM.sample(50, seed=1), 0.05))
        assert set(network.inputs) <= set(get_args(fhnbench.NetworkInput))


def test_pictures_and_tables_of_plugins_are_in_the_house_style(capsys: pytest.CaptureFixture[str]) -> None:
    with fhnbench.house_style():
        figure = Figure()
        axes = figure.subplots()
        axes.set_xlim(*fhnbench.log_limits([1e-4, 1e-2]))
        fhnbench.log_axis(axes, "x", fhnbench.tick_error)
        label = axes.xaxis.get_major_formatter()
        assert {"1e-4", "1e-3", "1e-2"} <= {label(tick) for tick in axes.get_xticks()}
        assert fhnbench.figure_png(figure).startswith(b"\x89PNG")
    shown = fhnbench.table(["name", ("figure", "right")])
    shown.add_row("one", fhnbench.duration(0.012))
    shown.add_row("two", fhnbench.count(12_000))
    fhnbench.answers().print(shown)
    assert {"12 ms", "12k"} <= {line.partition(" ")[2].strip() for line in capsys.readouterr().out.splitlines()}


def test_named_values_are_split_at_the_first_equals_sign() -> None:
    assert fhnbench.named_values("--set", ["steps=20", " dt = 1=2 "]) == {"steps": "20", "dt": "1=2"}
    for text in ("steps", "=20", "steps="):
        with pytest.raises(fhnbench.FhnbenchError, match=f"--set '{text}': give NAME=VALUE"):
            fhnbench.named_values("--set", [text])
