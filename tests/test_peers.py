"""The peers: conformance, and what they refuse."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fhnbench import Refused, SolverSpec, Unavailable, Workload, standard_problem
from fhnbench.measure.environment import usable_cpus
from fhnbench.plugins.contender import load, request
from fhnbench.plugins.registry import registry
from fhnbench.testing import conformance_cases

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Execution, Precision
    from fhnbench.testing import Case

LIGHT = ("euler-numpy", "heun-numpy", "rk4-numpy", "euler-numba")
SHARED_STEPS = {"batch-sizes": "all samples share their steps"}
KNOWN = {
    "dop853-scipy": SHARED_STEPS,
    "dopri5-torchdiffeq": SHARED_STEPS,
    "tsit5-torchode": {"permutation": "rounding, other at another place, decides on steps"},
}
"""What peers are known to fail, and why."""
PEERS = [
    entry.spec
    for entry in registry().entries(SolverSpec)
    if entry.spec.target.startswith("fhnbench_peers.") and entry.spec.name not in LIGHT
]


def prepare(contender: str, size: int, precision: Precision = "float64") -> Execution:
    threads = min(2, usable_cpus())  # as the kit has it: JAX starts its threads once in a process
    workload = Workload.of(standard_problem("C"), size, precision, threads)
    return load(request(contender, "solver", registry())).prepare(workload)


def compute(contender: str, ensemble: Ensemble, precision: Precision) -> NDArray[Any]:
    execution = prepare(contender, ensemble.size, precision)
    execution.upload(ensemble.astype(precision))
    execution.run()
    execution.synchronize()
    return execution.output()


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
    precision = "[precision=float64]" if spec.name.endswith(("-scipy", "-myokit")) else ""
    ran, reason = 0, ""
    for case in conformance_cases(f"{spec.name}{precision}", expected_failures=KNOWN.get(spec.name, {})):
        try:
            case()
            ran += 1
        except unittest.SkipTest as skip:  # which is what the kit raises
            reason = str(skip)
        except Unavailable as missing:  # what it needs beside Python's packages
            reason = str(missing)
    if not ran:
        pytest.skip(reason)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["diffrax", "torchode"])
def test_trial_steps_that_overflow_are_made_shorter(library: str) -> None:
    pytest.importorskip(library)
    states = compute(f"tsit5-{library}", standard_problem("C").sample(100_000, seed=4), "float32")
    assert np.abs(states).max() < 5


@pytest.mark.slow
@pytest.mark.parametrize("library", ["diffrax", "torchode"])
def test_tolerances_that_cannot_be_met_are_named(library: str) -> None:
    pytest.importorskip(library)
    ensemble = standard_problem("C").sample(50)
    with pytest.raises(Refused, match="gave up on 50 of 50 samples with rtol=1e-12 and atol=1e-14; set larger ones, o"):
        compute(f"tsit5-{library}[rtol=1e-12,atol=1e-14]", ensemble, "float32")


def test_scipy_computes_in_float64_or_not_at_all() -> None:
    with pytest.raises(Refused, match="precision float32 is not supported"):
        prepare("dop853-scipy", 10, "float32")


def test_one_sample_after_the_other_is_for_small_ensembles() -> None:
    with pytest.raises(Refused, match="takes 2000 at most, not 2001: measure fewer with -n, or set largest"):
        prepare("lsoda-scipy", 2001)
    prepare("lsoda-scipy[largest=3000]", 2001)


def test_what_myokit_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    myokit = pytest.importorskip("myokit")

    def simulation(_model: Any) -> None:
        raise myokit.CompilationError(
            "Unable to compile.\nsource.c:6:10: fatal error: sundials_config.h: No such file\n"
        )

    monkeypatch.setattr(myokit, "Simulation", simulation)
    with pytest.raises(Unavailable, match=r"\(fatal error: sundials_config.h: No such file\); it needs a C compiler"):
        prepare("cvode-myokit", 10)
