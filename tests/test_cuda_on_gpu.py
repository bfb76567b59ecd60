"""The solvers on a real GPU (run with -m gpu): the same trajectories as on the CPU, in every variant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fhnbench_cpu.solvers as cpu
from fhnbench import Workload, check_output, features_of, standard_problem
from fhnbench_cuda import solvers
from fhnbench_cuda.availability import gpu

pytestmark = pytest.mark.gpu

PROBLEM = standard_problem("C")
VARIANTS: list[dict[str, Any]] = [{}, {"per_thread": 2}, {"graph": True}, {"variant": "naive"}, {"dt": 0.01}]


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if not (found := gpu()).available:
        pytest.skip(str(found))


def output_of(solver: Any, workload: Workload) -> np.ndarray:
    ensemble = PROBLEM.sample(workload.size).astype(workload.dtype)
    execution = solver.prepare(workload)
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    output = check_output(execution.output(), workload, ensemble).copy()
    execution.close()
    return output


@pytest.mark.parametrize("size", [1, 1000, 100_003])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("method", ["Euler", "Midpoint", "Heun", "Heun3", "RungeKutta4"])
def test_trajectories_are_those_of_the_cpu(method: str, options: dict[str, Any], precision: Any, size: int) -> None:
    workload = Workload.of(PROBLEM, size, precision)
    dt = {"dt": options["dt"]} if "dt" in options else {}
    difference = np.abs(
        output_of(getattr(solvers, method)(**options), workload) - output_of(getattr(cpu, method)(**dt), workload)
    )
    assert np.median(difference) < {"float32": 2e-6, "float64": 1e-13}[precision]
    assert difference.mean() < {"float32": 1e-4, "float64": 1e-10}[precision]


@pytest.mark.parametrize("per_thread", [1, 2])
@pytest.mark.parametrize("method", ["Euler", "Midpoint", "Heun", "Heun3", "RungeKutta4"])
def test_features_are_those_of_the_trajectories(method: str, per_thread: int) -> None:
    solver = getattr(solvers, method)(per_thread=per_thread)
    asked = [Workload.of(PROBLEM, 10_003, "float64", output=output) for output in ("features", "trajectories")]
    found, states = (output_of(solver, workload) for workload in asked)
    np.testing.assert_allclose(found, features_of(states, PROBLEM.times), rtol=0, atol=1e-8)


def test_torch_reads_trajectories_in_place() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch has no CUDA")
    execution = solvers.Euler().prepare(Workload.of(PROBLEM, 1000))
    execution.upload(PROBLEM.sample(1000).astype(np.float32))
    execution.run()
    execution.synchronize()
    tensor = torch.from_dlpack(execution.states)
    assert tensor.data_ptr() == execution.states.address
    np.testing.assert_array_equal(tensor.cpu().numpy(), execution.output())
    execution.close()


def test_peaks_are_those_of_a_gpu() -> None:
    from fhnbench_cuda.peaks import CudaProbe

    single, double = (
        CudaProbe(Workload(100_000, precision=precision)).measure() for precision in ("float32", "float64")
    )
    assert single.fma_per_s > double.fma_per_s > 5e10
    assert single.bytes_per_s > 1e11
