"""Features of trajectories: what ``output=features`` asks for in place of the states, and errors of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.accuracy import spike_times
from fhnbench.trajectories import InvalidTrajectories, check_trajectories, checked_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble
    from fhnbench.workload import Workload

FEATURES = {
    "spikes": "",
    "first_spike": "time units",
    "last_spike": "time units",
    "period": "time units",
    "final_u": "1",
    "final_w": "1",
    "min_u": "1",
    "max_u": "1",
    "min_w": "1",
    "max_w": "1",
}
"""Rows of ``features[F, N]``, in order, and their units.

All are those of the trajectories at the save points, whatever the method and its step, so that a solver, a surrogate
and the reference answer the same question. A spike is what it is to `fhnbench.Accuracy`: an upward crossing of
`fhnbench.SPIKE_THRESHOLD`, its time linear between two save points. `period` is the mean distance of spikes,
(last - first) / (number - 1). Extremes include the initial state.
"""

UNDEFINED = -1.0
"""The value of what there is not: times of a sample without a spike, the period of one with fewer than two."""

_SLACK = 1e-3
"""By so much a state may lie beyond an extreme by rounding: scaled and offset, each in another order."""


class FeatureErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Errors of features against those of the reference.

    Parameters
    ----------
    spikes
        Number of spikes in the reference.
    missed_spikes, extra_spikes
        By how many spikes samples fall short of the reference, or exceed it, added up over such samples.
    spike_time_mae, period_mae
        Mean absolute errors of the times of the first and the last spike, and of the period, in time units, over
        samples that spike as often as the reference; None if there is nothing to compare.
    final_mae, extremes_mae
        Mean absolute errors over u and w of the final state, and of the minima and maxima, all samples.
    """

    spikes: int
    missed_spikes: int
    extra_spikes: int
    spike_time_mae: float | None
    period_mae: float | None
    final_mae: float
    extremes_mae: float


def features_of(states: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of trajectories.

    Parameters
    ----------
    states
        Trajectories ``[T, 2, N]``.
    times
        Times of the save points, ``[T]``.

    Returns
    -------
    ndarray
        ``features[F, N]``, float64; rows as in `FEATURES`.
    """
    when = spike_times(states[:, 0], times)
    count = np.isfinite(when).sum(axis=0)
    when = np.concatenate([when, np.full((1, states.shape[2]), np.nan)])
    first = np.where(count > 0, when[0], UNDEFINED)
    last = np.where(count > 0, np.take_along_axis(when, np.maximum(count - 1, 0)[None], axis=0)[0], UNDEFINED)
    period = np.where(count > 1, (last - first) / np.maximum(count - 1, 1), UNDEFINED)
    (min_u, min_w), (max_u, max_w) = states.min(axis=0), states.max(axis=0)
    return np.array([count, first, last, period, *states[-1], min_u, max_u, min_w, max_w], np.float64)


def measure_features(features: NDArray[Any], reference: NDArray[np.float64]) -> FeatureErrors:
    """Compare features with those of the reference, both ``[F, N]``."""
    surplus = features[0] - reference[0]
    error = dict(zip(FEATURES, np.abs(features - reference), strict=True))

    def mean(*names: str) -> float:
        return float(np.mean([error[name] for name in names]))

    def mean_of_equal(*names: str, spikes: int) -> float | None:
        samples = (surplus == 0) & (reference[0] >= spikes)
        return float(np.mean([error[name][samples] for name in names])) if samples.any() else None

    return FeatureErrors(
        spikes=int(reference[0].sum()),
        missed_spikes=int(-surplus[surplus < 0].sum()),
        extra_spikes=int(surplus[surplus > 0].sum()),
        spike_time_mae=mean_of_equal("first_spike", "last_spike", spikes=1),
        period_mae=mean_of_equal("period", spikes=2),
        final_mae=mean("final_u", "final_w"),
        extremes_mae=mean("min_u", "max_u", "min_w", "max_w"),
    )


def check_output(output: object, workload: Workload, ensemble: Ensemble) -> NDArray[Any]:
    """Return `output` if it is what the workload asks for: as `check_trajectories`, or features.

    Features are complete, finite and consistent: the initial and the final state lie between the extremes, times of
    spikes are in order and within the horizon, and a sample without spikes has none.

    Raises
    ------
    InvalidTrajectories
        If it is not; the message says what and where.
    """
    if workload.output == "trajectories":
        return check_trajectories(output, workload, ensemble)
    features = checked_array(output, workload, "(feature, sample)")
    if not np.isfinite(features).all():
        row, sample = (int(i) for i in np.argwhere(~np.isfinite(features))[0])
        raise InvalidTrajectories(f"output holds {features[row, sample]} for {list(FEATURES)[row]}, sample {sample}")
    of = dict(zip(FEATURES, features, strict=True))
    of_count = of["spikes"]
    no_spike = (of["first_spike"] == UNDEFINED) & (of["last_spike"] == UNDEFINED)
    in_order = (of["first_spike"] >= 0) & (of["last_spike"] >= of["first_spike"])
    in_order &= of["last_spike"] <= workload.times[-1] * (1 + 1e-5)
    wrong = {"the number of spikes is none": (of_count < 0) | (of_count != np.floor(of_count))}
    wrong["spike times are not those of the number of spikes"] = ~np.where(of_count > 0, in_order, no_spike)
    wrong["the period is not that of the number of spikes"] = (of["period"] > 0) != (of_count > 1)
    for name, initial in (("u", ensemble.u0), ("w", ensemble.w0)):
        low, high = of[f"min_{name}"], of[f"max_{name}"]
        slack = _SLACK * np.maximum(1, np.abs(initial))
        for state, which in ((initial, "initial"), (of[f"final_{name}"], "final")):
            wrong[f"the {which} {name} is beyond the extremes"] = (state < low - slack) | (state > high + slack)
    for what, samples in wrong.items():
        if samples.any():
            raise InvalidTrajectories(f"{what} in sample {int(np.argmax(samples))}")
    return features
