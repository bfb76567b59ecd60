"""Whether two sets of trajectories are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.testing.outcome import ConformanceFailure
from fhnbench.trajectories import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.workload import Precision


def require_equal(found: NDArray[Any], expected: NDArray[Any], what: str) -> None:
    """Raise `ConformanceFailure` unless two arrays are equal to the last bit; `what` begins the message."""
    _require_close(found, expected, 0.0, what)


def require_same(found: NDArray[Any], expected: NDArray[Any], precision: Precision, what: str) -> None:
    """Raise `ConformanceFailure` unless two sets of trajectories differ by no more than rounding."""
    _require_close(found, expected, ROUNDING[precision], what)


def _require_close(found: NDArray[Any], expected: NDArray[Any], tolerance: float, what: str) -> None:
    difference = np.abs(found - expected)
    if difference.max() > tolerance:
        point, variable, sample = (int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
        raise ConformanceFailure(
            f"{what}: {'uw'[variable]} is {found[point, variable, sample]:.9g} and not "
            f"{expected[point, variable, sample]:.9g} at save point {point}, sample {sample}"
        )
