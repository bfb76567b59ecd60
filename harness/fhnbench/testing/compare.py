"""Whether two sets of trajectories are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.testing.outcome import ConformanceFailure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.workload import Precision

ROUNDING: dict[Precision, float] = {"float64": 1e-9, "float32": 3e-3, "float16": 0.5, "bfloat16": 1.0}
"""Largest difference that another order of the same operations may make away from the threshold.

Euler's method in float32, its terms summed in another order, differs by 1e-4 at dt = 0.1 and by 1e-3 at dt = 0.01, the
largest of 20,000 samples. A mistake (another sample, an old state) is of the order of 1.
"""


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
