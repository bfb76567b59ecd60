"""``output=features``: what they are, from whom, and who refuses."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rich.console import Console

import fhnbench_cpu.solvers as cpu
from fhnbench import (
    FEATURES,
    SPIKE_THRESHOLD,
    UNDEFINED,
    Ensemble,
    FeatureErrors,
    FhnbenchError,
    FitzHughNagumo,
    InvalidTrajectories,
    Output,
    Refused,
    Workload,
    check_output,
    features_of,
    measure_features,
    speed_up_table,
    standard_problem,
)
from fhnbench.exit_status import ExitStatus
from fhnbench.measure.environment import usable_cpus
from fhnbench.measure.frontier import sweep
from fhnbench.plugins.contender import load, request
from fhnbench.plugins.cost import FEATURE_OPERATIONS
from fhnbench.plugins.registry import registry
from fhnbench.report.formats import export, format_names
from fhnbench.report.html import html_report
from fhnbench.report.runs import run_table
from fhnbench.results.compare import compare_records
from fhnbench.results.front import points
from fhnbench.results.record import Row
from fhnbench.results.store import read_record
from fhnbench.testing.subject import Subject
from records import record, row

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from conftest import CommandLine
    from fhnbench import Precision

PROBLEM = standard_problem("C")
CPUS = usable_cpus()
METHODS = [cpu.Euler, cpu.Midpoint, cpu.Heun, cpu.Heun3, cpu.RungeKutta4]
FAST = ((cpu.Euler, "float32"), (cpu.RungeKutta4, "float64"))
ROW = {name: row for row, name in enumerate(FEATURES)}


def solve(solver: cpu.RungeKutta, ensemble: Ensemble, workload: Workload) -> NDArray[Any]:
    """Return a copy of the output, checked against the contract."""
    execution = solver.prepare(workload)
    execution.upload(ensemble.astype(workload.dtype))
    execution.run()
    return check_output(execution.output(), workload, ensemble.astype(workload.dtype)).copy()


def both(
    solver: cpu.RungeKutta, ensemble: Ensemble, precision: Precision = "float64", **grid: float
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the features on the fly, and those of the stored trajectories, of samples whose spikes are clear.

    A sample is left out if u comes so close to the threshold at a save point that rounding decides whether it spikes.
    """
    problem = standard_problem("C", model=ensemble.model, **grid)
    asked = [Workload.of(problem, ensemble.size, precision, output=output) for output in ("features", "trajectories")]
    found, states = (solve(solver, ensemble, workload) for workload in asked)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[precision]
    clear = (np.abs(states[:, 0] - SPIKE_THRESHOLD) > tolerance).all(axis=0) | (states[0, 0] == SPIKE_THRESHOLD)
    return found[:, clear], features_of(states, problem.times)[:, clear]


def test_features_of_a_curve_that_is_known() -> None:
    u = np.array([0.0, 2.0, 0.5, 1.5, 1.0, 0.0, 0.9])
    states = np.stack([np.stack([u, -u]).T, np.stack([np.zeros(7), np.arange(7.0)]).T], axis=1)
    found = dict(zip(FEATURES, features_of(states, np.arange(7) * 2.0), strict=True))
    assert found["spikes"].tolist() == [2, 0]
    assert found["first_spike"].tolist() == [1.0, UNDEFINED]
    assert found["last_spike"].tolist() == [5.0, UNDEFINED]
    assert found["period"].tolist() == [4.0, UNDEFINED]
    assert [found[name].tolist() for name in ("final_u", "final_w")] == [[0.9, -0.9], [0.0, 6.0]]
    assert [found[name].tolist() for name in ("min_u", "max_u")] == [[0.0, -2.0], [2.0, 0.0]]
    assert [found[name].tolist() for name in ("min_w", "max_w")] == [[0.0, 0.0], [0.0, 6.0]]


@pytest.mark.parametrize(
    ("method", "precision"),
    [
        pytest.param(*case, marks=() if case in FAST else pytest.mark.slow)
        for case in itertools.product(METHODS, ("float32", "float64"))
    ],
)
def test_on_the_fly_they_are_those_of_stored_trajectories(method: type[cpu.RungeKutta], precision: Precision) -> None:
    found, expected = both(method(), PROBLEM.sample(503), precision)
    assert found.shape[1] > 490
    assert (expected[0] > 1).any()
    np.testing.assert_allclose(found, expected, rtol=0, atol={"float32": 1e-3, "float64": 1e-11}[precision])


@given(
    states=arrays(np.float64, (3, 37), elements=st.floats(-3, 3)),
    model=st.builds(FitzHughNagumo, c=st.sampled_from([1.0, 3.0]), tau=st.sampled_from([3.0, 12.5])),
    save_interval=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_they_are_so_for_any_initial_state_and_model(
    states: NDArray[np.float64], model: FitzHughNagumo, save_interval: float
) -> None:
    ensemble = Ensemble(states[0], states[1], np.abs(states[2]) / 3, model)
    found, expected = both(cpu.Euler(), ensemble, save_interval=save_interval)
    times = [ROW[name] for name in ("first_spike", "last_spike", "period")]
    others = [row for row in ROW.values() if row not in times]
    np.testing.assert_allclose(found[others], expected[others], rtol=0, atol=1e-9)
    # What rounding makes of a time is the larger the less steeply u rises.
    np.testing.assert_allclose(found[times], expected[times], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "precision"), [("itnn-cpu[hidden=8x8]", "float32"), ("fitted-cpu", "float32"), ("fitted-cpu", "float64")]
)
def test_those_of_a_surrogate_are_of_its_trajectories(name: str, precision: Precision) -> None:
    chosen = request(name, "surrogate", registry())
    contender = load(chosen, chosen.artifact_path(PROBLEM))
    together = None
    for size, threads in ((503, 1), (1, 1), (47, 1), (145, 2), (503, 2)):
        ensemble = PROBLEM.sample(503)[:size].astype(np.dtype(precision))
        outputs: list[NDArray[Any]] = []
        for output in get_args(Output):
            workload = Workload.of(PROBLEM, size, precision, min(threads, CPUS), output)
            execution = contender.prepare(workload)
            execution.upload(ensemble)
            execution.run()
            outputs.append(check_output(execution.output(), workload, ensemble).copy())
        states, found = outputs
        tolerance = {"float32": 1e-5, "float64": 1e-13}[precision]
        np.testing.assert_allclose(found, features_of(states, PROBLEM.times), rtol=0, atol=tolerance)
        together = found if together is None else together
        np.testing.assert_array_equal(found, together[:, :size])


def test_a_sample_does_not_depend_on_the_others() -> None:
    ensemble = PROBLEM.sample(203)
    together = solve(cpu.Euler(), ensemble, Workload.of(PROBLEM, 203, output="features"))
    for part in (slice(0, 1), slice(3, 60), slice(7, 203)):
        size = part.stop - part.start
        alone = solve(cpu.Euler(), ensemble[part], Workload.of(PROBLEM, size, output="features"))
        np.testing.assert_array_equal(alone, together[:, part])


@pytest.mark.skipif(CPUS < 2, reason="needs two CPUs")
def test_several_threads_compute_the_same() -> None:
    ensemble = PROBLEM.sample(50_000)
    one, two = (
        solve(cpu.Euler(), ensemble, Workload.of(PROBLEM, 50_000, threads=threads, output="features"))
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


class TestErrors:
    def test_of_the_reference_itself_are_none(self) -> None:
        reference = features_of(solve(cpu.RungeKutta4(), PROBLEM.sample(99), Workload(99)), PROBLEM.times)
        assert measure_features(reference, reference) == FeatureErrors(int(reference[0].sum()), 0, 0, 0, 0, 0, 0)

    def test_are_of_samples_that_spike_as_often(self) -> None:
        reference = np.array([[2.0, 1, 0], [3, 4, -1], [9, 4, -1], [6, -1, -1], *np.zeros((6, 3))])
        found = reference.copy()
        found[:4, 1] = 0, UNDEFINED, UNDEFINED, UNDEFINED
        found[:, 0] += [0, 0.5, 0.25, -0.25, *np.ones(6)]
        errors = measure_features(found, reference)
        assert (errors.spikes, errors.missed_spikes, errors.extra_spikes) == (3, 1, 0)
        assert (errors.spike_time_mae, errors.period_mae) == (0.375, 0.25)
        assert (errors.final_mae, errors.extremes_mae) == pytest.approx((1 / 3, 1 / 3))
        assert measure_features(found[:, 1:2], reference[:, 1:2]).spike_time_mae is None


@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        ("max_u", -9, "the initial u is beyond the extremes in sample 3"),
        ("final_w", 9, "the final w is beyond the extremes in sample 3"),
        ("spikes", 1.5, "the number of spikes is none in sample 3"),
        ("spikes", 99, "spike times are not those of the number of spikes in sample 3"),
        ("last_spike", 99, "spike times are not those of the number of spikes in sample 3"),
        ("period", 9, "the period is not that of the number of spikes in sample 3"),
        ("min_w", np.nan, "output holds nan for min_w, sample 3"),
    ],
)
def test_what_cannot_be_is_refused(row: str, value: float, message: str) -> None:
    quiet = Ensemble(*np.full((3, 9), [[-1.2], [-0.6], [0.0]]), FitzHughNagumo())
    workload = Workload(9, precision="float64", output="features")
    found = solve(cpu.Euler(), quiet, workload)
    assert found[0].tolist() == [0] * 9
    found[ROW[row], 3] = value
    with pytest.raises(InvalidTrajectories, match=message):
        check_output(found, workload, quiet)


def test_a_shape_is_that_of_the_output() -> None:
    with pytest.raises(InvalidTrajectories, match=r"shape \(51, 2, 9\), not \(feature, sample\) = \(10, 9\)"):
        check_output(np.zeros((51, 2, 9), np.float32), Workload(9, output="features"), PROBLEM.sample(9))


def test_no_memory_is_taken_for_trajectories() -> None:
    execution = cpu.Euler().prepare(Workload(1000, output="features"))
    assert execution.output().nbytes == 10 * 1000 * 4


def test_cost_is_of_what_is_put_out() -> None:
    states, features = (Workload(1000, save_points=11, output=output) for output in ("trajectories", "features"))
    at_point, at_end = FEATURE_OPERATIONS
    more = cpu.Euler().cost(features).operations - cpu.Euler().cost(states).operations
    assert more == 1000 * (10 * (at_point - 2) + at_end)
    assert cpu.Euler().cost(features).bytes == 1000 * 4 * (3 + 10)


def test_a_subject_is_checked_by_its_trajectories() -> None:
    with pytest.raises(Refused, match="leave out output="):
        Subject.of("euler-cpu[output=features]")


def outputs_of(name: str) -> tuple[Output, ...]:
    return Subject.of(name).plugin.outputs


def test_who_has_them_says_so() -> None:
    assert outputs_of("euler-cpu") == outputs_of("itnn-cpu") == ("trajectories", "features")
    assert outputs_of("euler-numpy") == ("trajectories",)


def test_a_run_measures_them_beside_trajectories(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHNBENCH_DATASETS", str(tmp_path))
    names = ["euler-cpu[output=features]", "euler-cpu", "euler-numpy[output=features]"]
    words = [word for name in names for word in ("--solver", name)]
    done = command_line("run", "-n", "300", "--rounds", "2", *words, "--output", str(tmp_path / "run"))
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    features, states, refused = read_record(tmp_path / "run").rows
    assert [row.contender for row in (features, states, refused)] == names
    assert (features.accuracy, states.features, refused.output) == (None, None, "features")
    assert features.features is not None
    assert 0 < features.features.final_mae < 0.1
    assert 0 < features.features.spike_time_mae < 1
    assert refused.reason == "output=features is not supported; choose trajectories"
    compared = compare_records([read_record(tmp_path / "run")] * 2, [read_record(tmp_path / "run")] * 2)
    assert [row.contender for row in compared.rows if row.speed] == names[:2]
    assert [row.accuracy is None for row in compared.rows] == [True, False, True]


def features_row(time_s: float) -> Row:
    errors = FeatureErrors(1000, 3, 2, 0.021, None, 0.022, 0.023)
    contender = "euler-cpu[output=features]"
    return msgspec.structs.replace(row(contender, time_s, 1), output="features", features=errors, accuracy=None)


def test_tables_keep_outputs_apart() -> None:
    refused = Row("euler-numpy[output=features]", "solver", "refused", "no", output="features")
    made = record(row("euler-cpu", 2e-3, 8e-3), features_row(1e-3), refused)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(run_table(made))
    states, features = console.export_text(clear=False).split("; MAE of features")
    assert "8.00e-3" in states
    assert "e-2" not in states
    assert [figure in features for figure in ("2.10e-2", "2.20e-2", "2.30e-2", "1 ms", "refused")] == [True] * 5
    assert "3 spikes of 1,000 are missed, 2 are extra" in features
    assert max(map(len, console.export_text(clear=False).splitlines())) <= 100
    assert "Asked for features" in html_report([("run", made)])
    for form in format_names():
        assert "euler-cpu[output=features]" in export(made, form).replace("\\_", "_"), form
    assert [point.row.contender for point in points(made.rows)] == ["euler-cpu"]
    console.print(speed_up_table(made))
    assert "1 ms" in console.export_text()


def test_a_frontier_is_of_trajectories() -> None:
    asked = [request(name, "solver", registry()) for name in ("euler-cpu", "euler-cpu[output=features]")]
    with pytest.raises(FhnbenchError, match=r"compares errors of trajectories; leave out euler-cpu\[output=features\]"):
        sweep(asked, PROBLEM, 10)


def test_an_unknown_output_is_a_user_s_error(command_line: CommandLine) -> None:
    done = command_line("run", "-n", "300", "--solver", "euler-cpu[output=spikes]")
    assert done.returncode == ExitStatus.USER_ERROR
    assert "no output 'spikes'; there are trajectories, features" in done.stderr
