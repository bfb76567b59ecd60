"""Solvers against the machine's floor and against whole-array steps in NumPy; run with ``--benchmark-only``.

The floor is the longer of the declared operations and the declared bytes at the peaks that are probed in the same
process, right before and after. `extra_info` holds it, and the ratios to it and to NumPy's time for Euler's method at
dt = 0.1 in the same precision.
"""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fhnbench import Workload, standard_problem
from fhnbench.measure.probes import MachineProbe
from fhnbench_cpu.solvers import Euler, Heun, Heun3, Midpoint, RungeKutta4

if TYPE_CHECKING:
    from fhnbench import Precision
    from fhnbench_cpu.solvers import RungeKutta

SAMPLES = 100_000
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SOLVERS = {
    "euler 0.1": Euler(0.1),
    "euler 0.01": Euler(0.01),
    "midpoint 0.5": Midpoint(0.5),
    "heun 0.25": Heun(0.25),
    "rk3 0.5": Heun3(0.5),
    "rk4 0.5": RungeKutta4(0.5),
    "rk4 0.1": RungeKutta4(0.1),
}


@functools.cache
def numpy_euler_s(precision: Precision) -> float:
    """Return the time in seconds of Euler's method with dt = 0.1, each step a few operations on whole arrays."""
    workload = Workload.of(standard_problem("C"), SAMPLES, precision)
    ensemble = standard_problem("C").sample(SAMPLES).astype(workload.dtype)
    states = np.zeros(workload.shape, workload.dtype)
    a, b, c, rate, h = (workload.dtype.type(value) for value in (0.7, 0.8, 1, 1 / 12.5, 0.1))
    third = workload.dtype.type(1 / 3)
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        u, w = ensemble.u0.copy(), ensemble.w0.copy()
        states[0] = u, w
        for point in range(1, workload.save_points):
            for _ in range(10):
                du = c * (u - u * u * u * third - w) + ensemble.i_app
                dw = (u + a - b * w) * rate
                u += h * du
                w += h * dw
            states[point] = u, w
        durations.append(time.perf_counter() - start)
    return min(durations)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_solver(benchmark, solver: RungeKutta, precision: Precision) -> None:
    problem = standard_problem("C")
    workload = Workload.of(problem, SAMPLES, precision, THREADS)
    execution = solver.prepare(workload)
    execution.upload(problem.sample(SAMPLES).astype(workload.dtype))
    execution.run()
    probe = MachineProbe(workload)
    samples = [probe.measure() for _ in range(3)]
    benchmark.group = precision
    benchmark(execution.run)
    samples += [probe.measure() for _ in range(3)]
    execution.close()
    if benchmark.stats is None:  # benchmarks are disabled
        return
    cost, median_s = solver.cost(workload), benchmark.stats.stats.median
    arithmetic_s = cost.operations / max(sample.fma_per_s for sample in samples)
    stores_s = cost.bytes / max(sample.bytes_per_s for sample in samples)
    benchmark.extra_info |= {
        "arithmetic_ms": 1e3 * arithmetic_s,
        "stores_ms": 1e3 * stores_s,
        "times_floor": median_s / max(arithmetic_s, stores_s),
        "numpy_euler_over_this": numpy_euler_s(precision) / median_s,
    }
