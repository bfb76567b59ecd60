"""What plugins provide, by name from Python."""

import re

import numpy as np
import pytest

from fhnbench import (
    FhnbenchError,
    Refused,
    SurrogateFamily,
    Unavailable,
    artifact_file,
    contender_availability,
    contender_trajectories,
    reference_trajectories,
    standard_problem,
    surrogate_family,
)


def test_a_solver_computes_an_ensemble_once():
    problem = standard_problem("C")
    ensemble = problem.sample(7, seed=3)
    reference, _ = reference_trajectories(problem, ensemble)
    states = contender_trajectories("rk4-cpu[dt=0.05]", problem, ensemble, "float64")
    assert states.dtype == np.float64
    np.testing.assert_allclose(states, reference, atol=1e-4)
    single = contender_trajectories("rk4-cpu[dt=0.05]", problem, ensemble)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, reference, atol=1e-3)
    np.testing.assert_array_equal(
        contender_trajectories("rk4-cpu[dt=0.05,precision=float64]", problem, ensemble), states
    )


def test_a_surrogate_is_evaluated_with_the_artifact_that_run_chooses():
    problem = standard_problem("A")
    ensemble = problem.sample(3)
    file = artifact_file("ddnn", problem)
    chosen, named = (
        contender_trajectories(name, problem, ensemble) for name in ("ddnn-torch", f"ddnn-torch[artifact={file}]")
    )
    np.testing.assert_array_equal(chosen, named)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: contender_trajectories("euler-cpi", a, a.sample(1)), FhnbenchError, "did you mean 'euler-cpu'?"),
        (lambda a: contender_trajectories("euler-cpu[dt=0.3]", a, a.sample(1)), Refused, "does not divide"),
        (lambda _: surrogate_family("dnnn"), FhnbenchError, "did you mean 'ddnn'?"),
        (lambda _: surrogate_family("itnn", {"target": "both"}), FhnbenchError, "target=both"),
        (lambda a: artifact_file("ddnn", a, {"hidden": "1x2x3"}), Unavailable, "fhnbench train ddnn --problem A"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(standard_problem("A"))


def test_family_has_its_options():
    family = surrogate_family("itnn", {"target": "state", "unroll": "3"})
    assert isinstance(family, SurrogateFamily)
    assert (family.target, family.unroll) == ("state", 3)


def test_whether_a_contender_can_run_here_is_told_without_preparing_it():
    problem = standard_problem("C")
    assert contender_availability("euler-cpu[dt=0.05]", problem).available
    assert contender_availability("ddnn-cpu", problem).available
    missing = contender_availability("ddnn-cpu[hidden=3x3]", problem)
    assert not missing.available
    assert "hidden" in missing.reason
    with pytest.raises(FhnbenchError, match="euler-cpu"):
        contender_availability("eular-cpu", problem)
