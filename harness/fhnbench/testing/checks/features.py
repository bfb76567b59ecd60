"""That features are those of the contender's own trajectories."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.accuracy import SPIKE_THRESHOLD
from fhnbench.errors import Refused
from fhnbench.features import FEATURES, features_of
from fhnbench.testing.outcome import ConformanceFailure
from fhnbench.trajectories import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.testing.subject import Subject

_STEEP = 0.2
"""Least rise of u in the save interval of a spike whose time is compared."""

_TIMES = 2 / _STEEP
"""By so much more than the states themselves the time of such a spike depends on how they are rounded."""


def check_features(subject: Subject) -> None:
    """Check that `output=features` is refused in one line, or gives those of its own trajectories.

    Features are computed on the fly, by other code than trajectories: the accuracy of one says nothing of the other.
    Samples whose spikes depend on how u is rounded are left out.
    """
    ensemble = subject.ensemble()
    try:
        found = dataclasses.replace(subject, output="features").trajectories(ensemble)
    except Refused as refusal:
        if "\n" in str(refusal) or not str(refusal):
            raise ConformanceFailure(f"refuses output=features in no or in several lines: {refusal!r}") from None
        return
    states = subject.trajectories(ensemble)
    expected = features_of(states, subject.problem.times)
    rounding = ROUNDING[subject.precision]
    clear = _are_clear(states[:, 0], rounding)
    for row, (name, unit) in enumerate(FEATURES.items()):
        allowed = rounding * (_TIMES * subject.problem.save_interval if unit == "time units" else 1)
        if (wrong := clear & (np.abs(found[row] - expected[row]) > allowed)).any():
            sample = int(np.argmax(wrong))
            raise ConformanceFailure(
                f"{name} of sample {sample} is {found[row, sample]:g}, by its trajectory {expected[row, sample]:g}"
            )


def _are_clear(u: NDArray[Any], rounding: float) -> NDArray[np.bool_]:
    """Return for which samples rounding neither makes nor removes a spike, nor shifts it much."""
    near = (np.abs(u - SPIKE_THRESHOLD) < rounding).any(axis=0)
    rises = (u[:-1] < SPIKE_THRESHOLD) & (u[1:] >= SPIKE_THRESHOLD)
    slow = (rises & (np.diff(u, axis=0) < _STEEP)).any(axis=0)
    return np.asarray(~(near | slow))
