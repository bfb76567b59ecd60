"""The solvers of the GPU on an emulated one: what they compute, for which inputs, and what they refuse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import cuda_emulation
import fhnbench_cpu.solvers as cpu
from fhnbench import (
    Ensemble,
    FhnbenchError,
    FitzHughNagumo,
    Refused,
    Workload,
    check_output,
    features_of,
    integrate,
    standard_problem,
)
from fhnbench.plugins.specs import import_target
from fhnbench_cuda.plugin import fhnbench_solvers
from fhnbench_cuda.solvers import Euler, Heun, Heun3, Midpoint, RungeKutta, RungeKutta4
from textbook import textbook_step

if TYPE_CHECKING:
    from fhnbench import Precision
    from fhnbench_cuda.compiler import KernelProgram

METHODS = {"euler": Euler, "midpoint": Midpoint, "heun": Heun, "rk3": Heun3, "rk4": RungeKutta4}
PROBLEM = standard_problem("C")
VARIANTS: dict[str, dict[str, Any]] = {
    "folded": {},
    "two a thread": {"per_thread": 2},
    "naive": {"variant": "naive"},
    "graph": {"variant": "naive", "graph": True},
}

pytestmark = pytest.mark.usefixtures("emulated_gpu")
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
both_precisions = pytest.mark.parametrize("precision", ["float32", "float64"])


def programs() -> list[KernelProgram]:
    """Return the programs of all tests here, so that the host compiler runs once."""
    return [
        solver.steps(Workload(1, precision=precision)).program
        for method in METHODS.values()
        for precision in ("float32", "float64")
        for solver in (
            *(method(dt, **variant) for variant in VARIANTS.values() for dt in (method.dt, 1 / 16, 1 / 32, 1 / 80)),
            *([method(storage="float16")] if precision == "float32" else []),
        )
    ] + [
        method(per_thread=per_thread).steps(Workload(1, precision=precision, output="features")).program
        for method in METHODS.values()
        for precision in ("float32", "float64")
        for per_thread in (1, 2)
    ]


@pytest.fixture(autouse=True, scope="module")
def _compile_together() -> None:
    if not cuda_emulation.missing():
        cuda_emulation.compile_together(programs())


def solve(solver: RungeKutta | cpu.RungeKutta, ensemble: Ensemble, workload: Workload) -> np.ndarray:
    """Return a copy of the output, checked against the contract."""
    execution = solver.prepare(workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    output = check_output(execution.output(), workload, ensemble).copy()
    execution.close()
    return output


def sampled(size: int, precision: Precision = "float64") -> tuple[Ensemble, Workload]:
    workload = Workload.of(PROBLEM, size, precision)
    return PROBLEM.sample(size).astype(workload.dtype), workload


@every_method
@every_variant
def test_steps_are_those_of_the_textbook(method: type[RungeKutta], variant: dict[str, Any]) -> None:
    model = FitzHughNagumo(c=3, tau=3)
    problem = standard_problem("C", horizon=2, save_interval=0.5, model=model)
    workload = Workload.of(problem, 150, "float64")
    ensemble = problem.sample(150)
    u, w = ensemble.u0, ensemble.w0
    expected = [(u, w)]
    for _ in range(4):
        for _ in range(8):
            u, w = textbook_step(method.tableau, model, 1 / 16, u, w, ensemble.i_app)
        expected.append((u, w))
    solved = solve(method(1 / 16, **variant), ensemble, workload)
    np.testing.assert_allclose(solved, expected, rtol=0, atol=1e-11)


@every_method
@both_precisions
def test_trajectories_are_those_of_the_cpu(method: type[RungeKutta], precision: Precision) -> None:
    ensemble, workload = sampled(500, precision)
    counterpart = getattr(cpu, method.__name__)()
    difference = np.abs(solve(method(), ensemble, workload) - solve(counterpart, ensemble, workload))
    assert np.median(difference) <= {"float32": 1e-7, "float64": 2e-16}[precision]
    assert difference.mean() < {"float32": 1e-6, "float64": 1e-13}[precision]


@every_method
@every_variant
def test_a_sample_does_not_depend_on_the_others(method: type[RungeKutta], variant: dict[str, Any]) -> None:
    solver = method(**variant)
    ensemble, workload = sampled(300)
    together = solve(solver, ensemble, workload)
    for part in (slice(0, 1), slice(3, 10), slice(0, 127), slice(0, 128), slice(1, 130), slice(2, 258), slice(43, 300)):
        alone = solve(solver, ensemble[part], Workload.of(PROBLEM, part.stop - part.start, "float64"))
        np.testing.assert_array_equal(alone, together[:, :, part])


@every_method
def test_halving_the_step_shows_the_order(method: type[RungeKutta]) -> None:
    problem = standard_problem("C", horizon=4)
    ensemble = problem.sample(500)
    exact = integrate(problem, ensemble, 1 / 512)
    workload = Workload.of(problem, 500, "float64")
    errors = [np.abs(solve(method(dt), ensemble, workload) - exact).mean() for dt in (1 / 16, 1 / 32)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(method.order, abs=0.15)


def test_steps_so_small_that_they_are_rounded_away_are_made_good_for() -> None:
    ensemble, workload = sampled(500)
    single, single_workload = sampled(500, "float32")
    difference = np.abs(solve(Euler(1 / 80), single, single_workload) - solve(Euler(1 / 80), ensemble, workload))
    assert difference.mean() < 5e-6  # without it 4e-5


@every_method
def test_storing_in_float16_rounds_what_would_be_stored(method: type[RungeKutta]) -> None:
    ensemble, workload = sampled(200, "float32")
    full = solve(method(), ensemble, workload)
    half = solve(method(storage="float16"), ensemble, workload)
    np.testing.assert_array_equal(half[0], full[0])
    np.testing.assert_array_equal(half[1:], full[1:].astype(np.float16).astype(np.float32))


def test_storing_in_float16_takes_half_of_the_bytes() -> None:
    workload = Workload(1000, save_points=11)
    full, half = Euler().cost(workload), Euler(storage="float16").cost(workload)
    assert full.operations == half.operations
    assert (full.bytes, half.bytes) == (1000 * (2 * 11 * 4 + 3 * 4), 1000 * (2 * 11 * 2 + 3 * 4))


@every_method
@both_precisions
@pytest.mark.parametrize("per_thread", [1, 2])
def test_features_are_those_of_the_trajectories_and_of_the_cpu(
    method: type[RungeKutta], precision: Precision, per_thread: int
) -> None:
    ensemble, workload = sampled(300, precision)
    asked = Workload.of(PROBLEM, 300, precision, output="features")
    found = solve(method(per_thread=per_thread), ensemble, asked)
    expected = features_of(solve(method(), ensemble, workload), PROBLEM.times)
    assert (expected[0] > 1).any()
    tolerance = {"float32": 1e-4, "float64": 1e-11}[precision]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    if (method, precision) in {(Euler, "float32"), (RungeKutta4, "float64")}:
        counterpart = getattr(cpu, method.__name__)()
        np.testing.assert_allclose(found, solve(counterpart, ensemble, asked), rtol=0, atol=30 * tolerance)


@every_method
@pytest.mark.parametrize("per_thread", [1, 2])
def test_features_of_a_sample_do_not_depend_on_the_others(method: type[RungeKutta], per_thread: int) -> None:
    ensemble = PROBLEM.sample(300)
    parts = [slice(0, 300), slice(0, 1), slice(3, 10), slice(0, 128), slice(1, 130), slice(43, 300)]
    together, *others = (
        solve(
            method(per_thread=per_thread),
            ensemble[part],
            Workload.of(PROBLEM, part.stop - part.start, "float64", output="features"),
        )
        for part in parts
    )
    for part, alone in zip(parts[1:], others, strict=True):
        np.testing.assert_array_equal(alone, together[:, part])


@every_method
def test_cost_counts_each_step(method: type[RungeKutta]) -> None:
    workload = Workload(1000, save_points=11, precision="float64")
    cost, twice = (method(dt).cost(workload) for dt in (0.1, 0.05))
    assert twice.operations - cost.operations == 1000 * 10 * 10 * method.tableau.operations


@pytest.mark.parametrize(
    ("options", "precision", "message"),
    [
        ({"dt": 0.3}, "float32", "does not divide the save interval 1; .* 0.333333"),
        ({}, "float16", "float16 is not supported; choose float32 or float64"),
        ({"storage": "float16"}, "float64", "storage=float16 goes with precision float32"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any], precision: Precision, message: str) -> None:
    with pytest.raises(Refused, match=message):
        Euler(**options).prepare(Workload(10, precision=precision))


@pytest.mark.parametrize("options", [{"variant": "naive"}, {"storage": "float16"}])
def test_features_go_with_neither_the_naive_variant_nor_float16(options: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="output=features goes with variant=folded and storage=same"):
        Euler(**options).prepare(Workload(10, output="features"))


def test_features_take_no_memory_for_trajectories() -> None:
    execution = Euler().prepare(Workload(1000, output="features"))
    assert execution.states.nbytes == 1000 * 10 * 4
    execution.close()
    assert Euler().cost(Workload(1000, output="features")).bytes == 1000 * (10 * 4 + 3 * 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "must be a positive number of time units"),
        ({"dt": math.nan}, "must be a positive number of time units"),
        ({"per_thread": 3}, "a thread solves 1 or 2 samples"),
        ({"variant": "naive", "per_thread": 2}, "takes neither per_thread nor storage"),
        ({"variant": "naive", "storage": "float16"}, "takes neither per_thread nor storage"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FhnbenchError, match=message):
        Euler(**options)


def test_declared_solvers_are_those_tested() -> None:
    assert [import_target(spec.target) for spec in fhnbench_solvers()] == list(METHODS.values())
