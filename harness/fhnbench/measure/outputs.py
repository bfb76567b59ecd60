"""Audits of what timed runs put out, by the coordinator: complete, as accurate as recorded, and always the same.

``output``
    Shape, dtype and layout are those asked for, the first save point is the initial state, every value is finite.
``save-points``
    No save point is made up from its neighbours.
``timed-output``
    The output of a later round, chosen at random, is that whose errors are recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.accuracy import measure_accuracy
from fhnbench.error_profile import error_profile
from fhnbench.features import check_output, measure_features
from fhnbench.measure.audits import AuditFailed, any_of_sample
from fhnbench.problem import VARIABLES, Ensemble
from fhnbench.trajectories import ROUNDING, InvalidTrajectories

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.accuracy import Accuracy
    from fhnbench.features import FeatureErrors
    from fhnbench.problem import Problem
    from fhnbench.workload import Workload

KEPT_SAMPLES = 1000
"""So many trajectories of the audited output are kept, drawn at random, for later rounds to be compared with."""

APART = 0.02
"""Part of them that may differ by more than rounding: samples near the threshold."""

FLAT = 1e-2
BENDS = 1e-3
FEWEST_SAMPLES = 100


class OutputAudit:
    """Audits the outputs of one contender.

    Parameters
    ----------
    problem, ensemble, reference
        Inputs of the run, and the reference of the same samples: trajectories or features, as the workload asks.
    workload
        What the contender was asked for.
    """

    def __init__(
        self, problem: Problem, ensemble: Ensemble, reference: NDArray[np.float64], workload: Workload
    ) -> None:
        self._problem = problem
        self._ensemble = ensemble
        self._reference = reference
        self._workload = workload
        size = workload.size
        self._samples = np.sort(np.random.default_rng().choice(size, min(size, KEPT_SAMPLES), replace=False))
        self._kept: NDArray[Any] | None = None
        self.passed: tuple[str, ...] = ()

    def first(self, states: NDArray[Any], shift: int) -> Accuracy | FeatureErrors:
        """Check the output of the first timed round, whose inputs were shifted, and return its errors.

        Raises
        ------
        AuditFailed
            If it is not what is owed.
        """
        states = self._checked(states, shift)
        self._kept = states[..., self._samples]
        if self._workload.output == "features":
            self.passed = ("output",)
            return measure_features(states, self._reference)
        _require_save_points(states, self._reference)
        accuracy = measure_accuracy(states, self._reference, self._workload.times)
        profile = error_profile(states, self._reference, self._ensemble, self._problem)
        self.passed = ("output", "save-points")
        return msgspec.structs.replace(accuracy, profile=profile)

    def later(self, states: NDArray[Any], shift: int) -> None:
        """Compare the output of another round with the first one's.

        Raises
        ------
        AuditFailed
            If it is another.
        """
        assert self._kept is not None
        found = self._checked(states, shift)[..., self._samples]
        apart = any_of_sample(np.abs(found - self._kept) > ROUNDING[self._workload.precision])
        if np.count_nonzero(apart) > max(1, APART * apart.size):
            raise AuditFailed(
                "timed-output",
                f"{np.count_nonzero(apart)} of {apart.size} outputs are not those whose errors were recorded",
            )
        self.passed = (*dict.fromkeys((*self.passed, "timed-output")),)

    def _checked(self, states: NDArray[Any], shift: int) -> NDArray[Any]:
        """Return the states in the order of the ensemble."""
        u0, w0, i_app = (np.roll(getattr(self._ensemble, name), -shift) for name in VARIABLES)
        try:
            check_output(states, self._workload, Ensemble(u0, w0, i_app, self._ensemble.model))
        except InvalidTrajectories as error:
            raise AuditFailed("output", str(error)) from None
        return np.roll(states, shift, axis=-1)


def _require_save_points(states: NDArray[Any], reference: NDArray[np.float64]) -> None:
    """Raise `AuditFailed` if a save point is its predecessor again, or the mean of its neighbours."""
    if reference.shape[2] < FEWEST_SAMPLES:
        return  # a few trajectories may be straight somewhere
    some = slice(0, 10 * KEPT_SAMPLES)
    for point in range(1, len(reference)):
        moved, due = (np.abs(of[point, :, some] - of[point - 1, :, some]).mean() for of in (states, reference))
        if due > BENDS and moved < FLAT * due:
            raise AuditFailed("save-points", f"save point {point} repeats the one before")
        if point + 1 < len(reference):
            bend, due = (
                np.abs(of[point - 1, :, some] - 2 * of[point, :, some] + of[point + 1, :, some]).mean()
                for of in (states, reference)
            )
            if due > BENDS and bend < FLAT * due:
                raise AuditFailed(
                    "save-points", f"save point {point} lies on the line between its neighbours in all samples"
                )
