"""The contenders of the GPU on an emulated one: what the interface promises, by the checks that plugin authors run."""

from __future__ import annotations

import pytest

import cuda_emulation
from fhnbench.testing import Check, Subject, conformance_checks
from fhnbench_cuda.compiler import KernelProgram
from fhnbench_cuda.stepping import features_kernel, solve_kernel

pytestmark = pytest.mark.usefixtures("emulated_gpu")

CHECKS = conformance_checks("solver")
FAST = ("euler-cuda", "rk4-cuda[per_thread=2]")
SLOW = (
    *("midpoint-cuda", "heun-cuda", "rk3-cuda", "euler-cuda[variant=naive,dt=0.5]"),
    *("euler-cuda[variant=naive,dt=0.5,graph=true]", "rk3-cuda[precision=float64]"),
)


@pytest.fixture(autouse=True, scope="module")
def _compile_together() -> None:
    """Compile what the fast checks need, in the steps that they take, at once."""
    if not cuda_emulation.missing():
        kernels = [features_kernel("float32", stages, substeps, n) for stages, substeps, n in ((1, 10, 1), (4, 2, 2))]
        kernels += [
            solve_kernel(dtype, stages, substeps, per_thread, half=False)
            for stages, per_thread in ((1, 1), (4, 2))
            for dtype in ("float32", "float64")
            for substeps in (1, 2, 4, 8, 10, 16, 20, 32, 64)
        ]
        cuda_emulation.compile_together([KernelProgram("stepping.cu", tuple(kernels))])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("contender", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_conformance(contender: str, check: Check) -> None:
    check.function(Subject.of(contender))


@pytest.mark.parametrize("check", conformance_checks("surrogate"), ids=lambda check: check.name)
@pytest.mark.parametrize(
    "contender",
    [
        "itnn-cuda[hidden=8x8]",
        pytest.param("itnn-cuda[hidden=8x8,precision=float16]", marks=pytest.mark.slow),
        pytest.param("ddnn-cuda", marks=pytest.mark.slow),
    ],
)
def test_conformance_of_networks(contender: str, check: Check) -> None:
    check.function(Subject.of(contender))
