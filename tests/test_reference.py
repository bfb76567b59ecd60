"""The reference integrator, against SciPy and against itself."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fhnbench import (
    FhnbenchError,
    FitzHughNagumo,
    Problem,
    Refused,
    integrate,
    reference_trajectories,
    standard_problem,
)
from fhnbench.reference import Diverged

if TYPE_CHECKING:
    from fhnbench import Ensemble

MODELS = {
    "classical": FitzHughNagumo(),
    "fast": FitzHughNagumo(c=3, tau=3),
    "b=0": FitzHughNagumo(b=0),
}
SHORT = standard_problem("C", horizon=2)


def dop853(problem: Problem, ensemble: Ensemble) -> np.ndarray:
    """Return what SciPy's method of order 8 gives at tight tolerances."""
    solved = [
        solve_ivp(
            lambda _, state, i_app=i_app: ensemble.model.derivative(*state, i_app),
            (0, problem.horizon),
            (u0, w0),
            "DOP853",
            problem.times,
            rtol=1e-12,
            atol=1e-13,
        ).y
        for u0, w0, i_app in zip(ensemble.u0, ensemble.w0, ensemble.i_app, strict=True)
    ]
    return np.moveaxis(np.array(solved), 0, 2).swapaxes(0, 1)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_reference_agrees_with_scipy(model: FitzHughNagumo) -> None:
    problem = standard_problem("C", horizon=20, model=model)
    ensemble = problem.sample(10, seed=3)
    states, evidence = reference_trajectories(problem, ensemble)
    np.testing.assert_allclose(states, dop853(problem, ensemble), rtol=0, atol=1e-7)
    assert evidence.mean_change < 1e-8


@pytest.mark.parametrize(("method", "order"), [("rk4", 4), ("euler", 1)])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_halving_the_step_shows_the_order(method: str, order: int, model: FitzHughNagumo) -> None:
    problem = standard_problem("C", horizon=4, model=model)
    ensemble = problem.sample(300)
    exact = integrate(problem, ensemble, 1 / 1024)
    errors = [np.abs(integrate(problem, ensemble, dt, method) - exact).mean() for dt in (1 / 32, 1 / 64, 1 / 128)]
    orders = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert orders == pytest.approx([order] * 2, abs=0.1)


def test_evidence_is_the_change_as_the_step_is_halved() -> None:
    ensemble = SHORT.sample(8200)  # more than one chunk
    states, evidence = reference_trajectories(SHORT, ensemble, 0.25)
    np.testing.assert_array_equal(states, integrate(SHORT, ensemble, 0.25))
    change = np.abs(states - integrate(SHORT, ensemble, 0.5))
    assert (evidence.method, evidence.dt) == ("rk4", 0.25)
    assert evidence.mean_change == pytest.approx(change.mean(), rel=1e-12)
    assert evidence.max_change == change.max()


def test_evidence_bounds_the_error() -> None:
    ensemble = SHORT.sample(500)
    states, evidence = reference_trajectories(SHORT, ensemble, 0.05)
    error = np.abs(states - integrate(SHORT, ensemble, 0.005))
    assert 8 * error.mean() < evidence.mean_change < 30 * error.mean()
    assert error.max() < evidence.max_change


@pytest.mark.parametrize("size", [1, 7, 31, 33, 8191, 8192, 8193])
def test_a_sample_does_not_depend_on_the_others(size: int) -> None:
    together = integrate(SHORT, SHORT.sample(9000), 0.25)
    np.testing.assert_array_equal(integrate(SHORT, SHORT.sample(9000)[:size], 0.25), together[:, :, :size])


def test_first_save_point_is_the_initial_state() -> None:
    ensemble = SHORT.sample(100)
    np.testing.assert_array_equal(integrate(SHORT, ensemble, 0.5)[0], [ensemble.u0, ensemble.w0])


def test_ensembles_in_float32_are_integrated_in_float64() -> None:
    ensemble = SHORT.sample(100)
    states = integrate(SHORT, ensemble.astype(np.float32), 0.1)
    assert states.dtype == np.float64
    np.testing.assert_array_equal(states, integrate(SHORT, ensemble, 0.1))


@pytest.mark.parametrize("function", [integrate, reference_trajectories])
def test_progress_rises_to_one(function) -> None:
    fractions: list[float] = []
    function(SHORT, SHORT.sample(20_000), dt=0.5, progress=fractions.append)
    assert fractions == sorted(fractions)
    assert len(fractions) > 2
    assert fractions[-1] == 1


@pytest.mark.parametrize(("function", "dt"), [(integrate, 0.3), (reference_trajectories, 1.0)])
def test_a_step_that_does_not_divide_the_save_interval_is_refused(function, dt: float) -> None:
    with pytest.raises(Refused, match="does not divide the save interval"):
        function(SHORT, SHORT.sample(2), dt)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(FhnbenchError, match="no reference method 'heun'; there are rk4, euler"):
        integrate(SHORT, SHORT.sample(2), 0.5, "heun")


def test_a_solution_that_diverges_is_refused() -> None:
    problem = standard_problem("C", model=FitzHughNagumo(c=100))
    with pytest.raises(Diverged, match=r"rk4 with dt=0\.5 leaves the range of float64 .* smaller step"):
        integrate(problem, problem.sample(3), 0.5)
