"""Runtimes against each other and against the arithmetic floor; run with ``--benchmark-only``.

pytest-benchmark's table gives the ratios between runtimes; `extra_info` holds those to the floor, which is probed in
the same process, right before and after.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numba
import pytest

from fhnbench import NetworkModule, Workload, standard_problem
from fhnbench.measure.probes import MachineProbe
from fhnbench_cpu.runtime import CpuRuntime
from networks import artifact_of, network_of

if TYPE_CHECKING:
    from fhnbench import Network

NETWORKS = {
    "ddnn 4-64-64-2 tanh": network_of((64, 64), "tanh", "direct", "state"),
    "ddnn 4-64-64-2 silu": network_of((64, 64), "silu", "direct", "state"),
    "itnn 3-16-16-2 tanh": network_of((16, 16)),
    "itnn 3-8-8-2 tanh": network_of((8, 8)),
    "itnn 3-8-8-2 sin": network_of((8, 8), "sin"),
    "itnn 3-8-8-2 relu": network_of((8, 8), "relu"),
}
RUNTIMES = {
    "cpu": "fhnbench_cpu.runtime:CpuRuntime",
    "ort": "fhnbench_onnxruntime.runtime:OnnxRuntime",
    "torch": "fhnbench_torch.runtime:Torch",
}
FAMILY = SimpleNamespace(module=NetworkModule.of)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_runtime(benchmark, network: Network, runtime: str, request: pytest.FixtureRequest) -> None:
    workload = Workload(100_000, threads=numba.config.NUMBA_NUM_THREADS)
    artifact = artifact_of(network)
    module, _, name = RUNTIMES[runtime].partition(":")
    execution = getattr(importlib.import_module(module), name)().prepare(FAMILY, artifact, workload)
    execution.upload(standard_problem("C").sample(workload.size).astype(workload.dtype))
    execution.run()
    probe = MachineProbe(workload)
    before = probe.measure()
    benchmark.group = request.node.callspec.id.removesuffix(f"-{runtime}")
    benchmark(execution.run)
    after = probe.measure()
    cost = CpuRuntime().cost(artifact, workload)  # the same for all: the fewest operations known
    floor_s = cost.operations / max(before.fma_per_s, after.fma_per_s)
    benchmark.extra_info["floor_ms"] = 1e3 * floor_s
    if benchmark.stats:  # none where benchmarks are disabled
        benchmark.extra_info["times_floor"] = benchmark.stats.stats.median / floor_s
    execution.close()
