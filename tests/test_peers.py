"""The peers: conformance, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fhnbench import Refused, SolverSpec, Workload, standard_problem
from fhnbench.plugins.contender import load, request
from fhnbench.plugins.registry import registry
from fhnbench.testing import conformance_cases

if TYPE_CHECKING:
    from fhnbench.testing import Case

LIGHT = ("euler-numpy", "heun-numpy", "rk4-numpy", "euler-numba")
PEERS = [
    entry.spec
    for entry in registry().entries(SolverSpec)
    if entry.spec.target.startswith("fhnbench_peers.") and entry.spec.name not in LIGHT
]


def prepare(contender: str, size: int, precision: str = "float64") -> None:
    workload = Workload.of(standard_problem("C"), size, precision)  # type: ignore[arg-type]
    load(request(contender, "solver", registry())).prepare(workload)


@pytest.mark.parametrize(
    "check", [case for name in LIGHT for case in conformance_cases(name)], ids=lambda c: c.__name__
)
def test_light_peers_conform(check: Case) -> None:
    check()


@pytest.mark.slow
@pytest.mark.parametrize("spec", PEERS, ids=lambda spec: spec.name)
def test_every_peer_conforms(spec: SolverSpec) -> None:
    for package in spec.requires:
        pytest.importorskip(package)
    precision = "[precision=float64]" if spec.name.endswith("-scipy") else ""
    for case in conformance_cases(f"{spec.name}{precision}"):
        try:
            case()
        except pytest.skip.Exception:
            continue


def test_scipy_computes_in_float64_or_not_at_all() -> None:
    with pytest.raises(Refused, match="precision float32 is not supported"):
        prepare("dop853-scipy", 10, "float32")


def test_one_sample_after_the_other_is_for_small_ensembles() -> None:
    with pytest.raises(Refused, match="takes 2000 at most, not 2001: measure fewer with -n, or set largest"):
        prepare("lsoda-scipy", 2001)
    prepare("lsoda-scipy[largest=3000]", 2001)
