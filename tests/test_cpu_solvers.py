"""The solvers of the CPU: what they compute, for which inputs, and what they refuse."""

from __future__ import annotations

import itertools
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhnbench import (
    Ensemble,
    FhnbenchError,
    FitzHughNagumo,
    Refused,
    Workload,
    check_trajectories,
    integrate,
    standard_problem,
)
from fhnbench.plugins.specs import import_target
from fhnbench_cpu.plugin import fhnbench_solvers
from fhnbench_cpu.solvers import Euler, Heun, Heun3, Midpoint, RungeKutta, RungeKutta4
from textbook import textbook_step

if TYPE_CHECKING:
    from fhnbench import Precision

METHODS = {"euler": Euler, "midpoint": Midpoint, "heun": Heun, "rk3": Heun3, "rk4": RungeKutta4}
MODELS = {
    "classical": FitzHughNagumo(),
    "fast": FitzHughNagumo(c=3, tau=3),
    "b=0": FitzHughNagumo(b=0),
    "a=b=0": FitzHughNagumo(a=0, b=0),
}
PROBLEM = standard_problem("C")
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
both_precisions = pytest.mark.parametrize("precision", ["float32", "float64"])


def solve(solver: RungeKutta, ensemble: Ensemble, workload: Workload) -> np.ndarray:
    """Return a copy of the trajectories, checked against the contract."""
    execution = solver.prepare(workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    return check_trajectories(execution.output(), workload, ensemble).copy()


def sampled(size: int, precision: Precision = "float64", threads: int = 1) -> tuple[Ensemble, Workload]:
    workload = Workload.of(PROBLEM, size, precision, threads)
    return PROBLEM.sample(size).astype(workload.dtype), workload


@every_method
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_steps_are_those_of_the_textbook(method: type[RungeKutta], model: FitzHughNagumo) -> None:
    problem = standard_problem("C", horizon=10, save_interval=0.5, model=model)
    workload = Workload.of(problem, 50, "float64")
    ensemble = problem.sample(50)
    u, w = ensemble.u0, ensemble.w0
    expected = [(u, w)]
    for _ in range(20):
        for _ in range(8):
            u, w = textbook_step(method.tableau, model, 1 / 16, u, w, ensemble.i_app)
        expected.append((u, w))
    np.testing.assert_allclose(solve(method(1 / 16), ensemble, workload), expected, rtol=0, atol=1e-10)


@every_method
def test_halving_the_step_shows_the_order(method: type[RungeKutta]) -> None:
    problem = standard_problem("C", horizon=4)
    ensemble = problem.sample(500)
    exact = integrate(problem, ensemble, 1 / 512)
    workload = Workload.of(problem, 500, "float64")
    errors = [np.abs(solve(method(dt), ensemble, workload) - exact).mean() for dt in (1 / 16, 1 / 32, 1 / 64)]
    orders = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert orders == pytest.approx([method.order] * 2, abs=0.15)


@every_method
@pytest.mark.parametrize("dt", [0.5, 0.1, 0.01])
def test_float32_is_float64_rounded(method: type[RungeKutta], dt: float) -> None:
    ensemble, workload = sampled(2000)
    single, single_workload = sampled(2000, "float32")
    difference = np.abs(solve(method(dt), single, single_workload) - solve(method(dt), ensemble, workload))
    # Without making good for rounded coefficients it is 4e-5 for Euler's method with dt = 0.01.
    assert difference.mean() < 5e-6
    assert np.median(difference) < 3e-6


@every_method
@both_precisions
def test_default_step_is_accurate_to_a_hundredth(method: type[RungeKutta], precision: Precision) -> None:
    ensemble, workload = sampled(5000, precision)
    exact = integrate(PROBLEM, ensemble, 0.01)
    assert np.abs(solve(method(), ensemble, workload) - exact).mean() < 1e-2


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("method", [Euler, RungeKutta4])
def test_a_sample_does_not_depend_on_the_others(method: type[RungeKutta], precision: Precision) -> None:
    ensemble, workload = sampled(500, precision)
    together = solve(method(0.5), ensemble, workload)

    @settings(max_examples=40)
    @given(start=st.integers(0, 499), size=st.integers(1, 300))
    @example(start=0, size=1)
    @example(start=3, size=7)
    @example(start=0, size=96)  # a whole group of some method on some machine, and its neighbours
    @example(start=1, size=95)
    @example(start=1, size=97)
    @example(start=0, size=500)
    def check(start: int, size: int) -> None:
        part = slice(start, min(500, start + size))
        alone = solve(method(0.5), ensemble[part], Workload.of(PROBLEM, part.stop - part.start, precision))
        np.testing.assert_array_equal(alone, together[:, :, part])

    check()


@every_method
@both_precisions
def test_permuted_samples_give_permuted_trajectories(method: type[RungeKutta], precision: Precision) -> None:
    ensemble, workload = sampled(1000, precision)
    order = np.random.default_rng(1).permutation(1000)
    permuted = Ensemble(ensemble.u0[order], ensemble.w0[order], ensemble.i_app[order])
    expected = solve(method(), ensemble, workload)[:, :, order]
    np.testing.assert_array_equal(solve(method(), permuted, workload), expected)


@pytest.mark.skipif(CPUS < 2, reason="needs two CPUs")
@both_precisions
@pytest.mark.parametrize("size", [20_000, 20_001], ids=["aligned rows", "unaligned rows"])
def test_threads_change_nothing(size: int, precision: Precision) -> None:
    alone = solve(Euler(), *sampled(size, precision, threads=1))
    np.testing.assert_array_equal(solve(Euler(), *sampled(size, precision, threads=2)), alone)


@every_method
def test_a_run_repeats_and_leaves_inputs_alone(method: type[RungeKutta]) -> None:
    ensemble, workload = sampled(100, "float32")
    given_values = [array.copy() for array in (ensemble.u0, ensemble.w0, ensemble.i_app)]
    for array in (ensemble.u0, ensemble.w0, ensemble.i_app):
        array.flags.writeable = False
    execution = method().prepare(workload)
    execution.upload(ensemble)
    execution.run()
    first = execution.output().copy()
    execution.output()[...] = np.nan
    execution.run()
    np.testing.assert_array_equal(execution.output(), first)
    for array, before in zip((ensemble.u0, ensemble.w0, ensemble.i_app), given_values, strict=True):
        np.testing.assert_array_equal(array, before)
    execution.close()


@pytest.mark.parametrize(("interval", "dt"), [(0.25, 0.05), (2.5, 0.25), (0.1, 0.1), (7.0, 0.07)])
def test_save_interval_is_free(interval: float, dt: float) -> None:
    problem = standard_problem("C", horizon=3 * interval, save_interval=interval)
    ensemble = problem.sample(100)
    exact = integrate(problem, ensemble, interval / 1000)
    trajectories = solve(RungeKutta4(dt), ensemble, Workload.of(problem, 100, "float64"))
    np.testing.assert_allclose(trajectories, exact, rtol=0, atol=5e-3)


def test_a_step_that_does_not_divide_the_save_interval_is_refused() -> None:
    with pytest.raises(Refused, match=r"dt=0\.3 does not divide the save interval 1; .* is 0\.333333333333"):
        Euler(0.3).prepare(Workload(10))


def test_a_precision_that_is_missing_is_refused() -> None:
    with pytest.raises(Refused, match="float16 is not supported; choose float32 or float64"):
        Euler().prepare(Workload(10, precision="float16"))


def test_more_threads_than_cpus_are_refused() -> None:
    with pytest.raises(Refused, match="10000 threads asked for, this process may use"):
        Euler().prepare(Workload(10, threads=10_000))


@every_method
@pytest.mark.parametrize("dt", [0.0, -0.1, math.nan, math.inf])
def test_a_step_that_is_no_step_is_refused(method: type[RungeKutta], dt: float) -> None:
    with pytest.raises(FhnbenchError, match="must be a positive number of time units"):
        method(dt)


@every_method
def test_cost_counts_each_step_and_each_stored_number(method: type[RungeKutta]) -> None:
    workload = Workload(1000, save_points=11, precision="float64")
    cost, twice = (method(dt).cost(workload) for dt in (0.1, 0.05))
    assert twice.operations - cost.operations == 1000 * 10 * 10 * method.tableau.operations
    assert cost.bytes == twice.bytes == 1000 * (2 * 11 + 3) * 8


def test_declared_solvers_are_those_tested() -> None:
    assert [import_target(spec.target) for spec in fhnbench_solvers()] == list(METHODS.values())
