"""That it solves the equations, as well as it promises."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.errors import Refused
from fhnbench.plugins.interfaces import Solver
from fhnbench.testing.ensembles import read_only
from fhnbench.testing.outcome import ConformanceFailure, NotApplicable
from fhnbench.trajectories import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble
    from fhnbench.testing.subject import Subject

ORDER_TOLERANCE = 0.25
ERROR_FLOOR = 1e-10
"""Errors below are not used to measure an order: the reference is hardly closer."""

SOLVER_MAE = 0.05
"""What a solver without a step is allowed: six times the error of Euler's method at a step of 0.1."""

SURROGATE_FACTOR = 2.0

MEAN_ROUNDING = 1 / 30
"""The mean difference by rounding, as a part of the largest."""

_FEW = 200


def check_order(subject: Subject) -> None:
    """Check that halving the step divides the error as the declared order says, in float64.

    One wrong coefficient usually leaves a method that converges, only more slowly: no other check sees it. The order
    is measured, to a quarter, with 16 and 32 steps a save interval, or fewer if errors fall below the reference's own.
    """
    subject.require_step()
    exact = subject.with_precision("float64")
    ensemble = exact.ensemble(_FEW)
    reference = _reference(subject, ensemble)
    errors: list[float] = []
    for substeps in (4, 8, 16, 32):
        fixed = exact.with_options(dt=subject.problem.save_interval / substeps)
        try:
            error = float(np.abs(fixed.trajectories(ensemble) - reference).mean())
        except Refused as refusal:
            raise NotApplicable(f"it refuses what measuring the order needs: {refusal}") from None
        if error < ERROR_FLOOR:
            break
        errors.append(error)
    if len(errors) < 2:
        raise NotApplicable(f"its errors are below {ERROR_FLOOR:g}, where the reference can no longer tell")
    assert isinstance(subject.plugin, Solver)
    order, measured = subject.plugin.order, math.log2(errors[-2] / errors[-1])
    if abs(measured - order) > ORDER_TOLERANCE:
        raise ConformanceFailure(
            f"declares order {order}, measured is {measured:.2f} (errors {errors[-2]:.2e} and {errors[-1]:.2e})"
        )


def check_agreement(subject: Subject) -> None:
    """Check that trajectories are as close to the reference as the contender promises.

    A solver with a step: the mean error is at most twice the estimate that halving the step gives for its order, plus
    rounding; a scheme that converges to another equation is caught even if it does so at the right order. A solver
    without a step: the mean error is below `SOLVER_MAE`. A surrogate: it is at most twice the validation error that
    its artifact records, so a runtime that evaluates another network than the one that was trained is caught.
    """
    if subject.kind == "solver":
        ensemble = subject.ensemble()
        promised = _promised_by_step(subject, ensemble) if "dt" in subject.options else SOLVER_MAE
    else:
        # Fresh samples of the whole problem, those at the threshold included, as the recorded error had them.
        ensemble = read_only(subject.problem.sample(1000, seed=1), subject.workload().dtype)
        promised = SURROGATE_FACTOR * _recorded(subject)
    found = subject.trajectories(ensemble)
    error = float(np.abs(found - _reference(subject, ensemble)).mean())
    promised += MEAN_ROUNDING * ROUNDING[subject.precision]
    if error > promised:
        raise ConformanceFailure(f"the mean absolute error is {error:.2e}, promised are {promised:.2e}")


def _promised_by_step(subject: Subject, ensemble: Ensemble) -> float:
    coarse = subject.trajectories(ensemble)
    fine = subject.with_options(dt=subject.require_step() / 2).trajectories(ensemble)
    assert isinstance(subject.plugin, Solver)
    power = 2.0**subject.plugin.order
    return float(2 * np.abs(coarse - fine).mean() * power / (power - 1))


def _recorded(subject: Subject) -> float:
    from fhnbench.plugins.contender import SurrogateContender

    assert isinstance(subject.contender, SurrogateContender)
    try:
        return subject.contender.artifact.metadata.validation["mae"]
    except KeyError:
        raise NotApplicable("its artifact records no validation error") from None


def _reference(subject: Subject, ensemble: Ensemble) -> NDArray[Any]:
    from fhnbench.reference import integrate

    dt = subject.problem.save_interval / max(1, round(subject.problem.save_interval / 0.005))
    return integrate(subject.problem, ensemble, dt)
