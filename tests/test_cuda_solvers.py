"""The solvers of the GPU on an emulated one: what they compute, for which inputs, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import cuda_emulation
import fhnbench_cpu.solvers as cpu
from fhnbench import (
    Ensemble,
    FitzHughNagumo,
    Workload,
    check_trajectories,
    standard_problem,
)
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
            *(method(dt, **variant) for variant in VARIANTS.values() for dt in (method.dt, 1 / 16, 1 / 32)),
            *([method(storage="float16")] if precision == "float32" else []),
        )
    ]


@pytest.fixture(autouse=True, scope="module")
def _compile_together() -> None:
    if not cuda_emulation.missing():
        cuda_emulation.compile_together(programs())


def solve(solver: RungeKutta | cpu.RungeKutta, ensemble: Ensemble, workload: Workload) -> np.ndarray:
    """Return a copy of the trajectories, checked against the contract."""
    execution = solver.prepare(workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    states = check_trajectories(execution.output(), workload, ensemble).copy()
    execution.close()
    return states


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
