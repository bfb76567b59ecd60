"""What a contender is asked to compute: the model, the save points, the ensemble's size and the precision."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from fhnbench.errors import FhnbenchError, Refused
from fhnbench.features import FEATURES
from fhnbench.problem import FitzHughNagumo, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

Precision = Literal["float16", "bfloat16", "float32", "float64"]
"""Names of the precisions in which a contender may compute."""

Output = Literal["trajectories", "features"]
"""Names of what a contender may be asked to put out: states at all save points, or what `fhnbench.FEATURES` names."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The obligation that every contender of a run has in common.

    Parameters
    ----------
    size
        Number of samples, N.
    save_points
        Number of save points T, the initial state included.
    save_interval
        Distance of save points in time units; save point k is at time ``k * save_interval``.
    precision
        The precision that is asked for. A contender computes in it or refuses.
    threads
        Number of CPU threads that a contender may use.
    model
        Model parameters.
    output
        What is owed: ``trajectories``, the states at all save points, or ``features`` of them (`fhnbench.FEATURES`),
        computed on the fly.

    Raises
    ------
    FhnbenchError
        If a count is not positive, or the precision or the output is unknown.
    """

    size: int
    save_points: int = 51
    save_interval: float = 1.0
    precision: Precision = "float32"
    threads: int = 1
    model: FitzHughNagumo = field(default_factory=FitzHughNagumo)
    output: Output = "trajectories"

    def __post_init__(self) -> None:
        if not (self.size >= 1 and self.save_points >= 2 and 0 < self.save_interval < math.inf and self.threads >= 1):
            raise FhnbenchError(f"no such workload: {self}; sizes must be positive, save points at least two")
        if self.precision not in get_args(Precision):
            raise FhnbenchError(f"no precision {self.precision!r}; there are {', '.join(get_args(Precision))}")
        if self.output not in get_args(Output):
            raise FhnbenchError(f"no output {self.output!r}; there are {', '.join(get_args(Output))}")

    @classmethod
    def of(
        cls,
        problem: Problem,
        size: int,
        precision: Precision = "float32",
        threads: int = 1,
        output: Output = "trajectories",
    ) -> Workload:
        """Return the workload of `size` samples of a problem."""
        return cls(size, problem.save_points, problem.save_interval, precision, threads, problem.model, output)

    @property
    def times(self) -> NDArray[np.float64]:
        """Times of the save points, float64 ``[T]``."""
        return np.arange(self.save_points, dtype=np.float64) * self.save_interval

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output: ``(T, 2, N)`` of trajectories, ``(F, N)`` of features."""
        return (len(FEATURES), self.size) if self.output == "features" else (self.save_points, 2, self.size)

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Dtype in which inputs arrive and the output is returned: float64 for float64, else float32."""
        return np.dtype(np.float64 if self.precision == "float64" else np.float32)

    def substeps(self, dt: float) -> int:
        """Return how many steps of `dt` make one save interval.

        Raises
        ------
        Refused
            If `dt` does not divide the save interval; the message names the nearest step that does.
        """
        ratio = self.save_interval / dt if dt > 0 else 0.0
        if ratio > 2**31:
            raise Refused(f"dt={dt:g} is too small for the save interval {self.save_interval:g}")
        count = max(1, round(ratio))
        if abs(ratio - count) > 1e-9 * count:
            raise Refused(
                f"dt={dt:g} does not divide the save interval {self.save_interval:g}; "
                f"the nearest that does is {self.save_interval / count:.12g}"
            )
        return count

    def require_precision(self, *supported: Precision) -> None:
        """Raise `Refused` unless the precision asked for is one of `supported`."""
        if self.precision not in supported:
            raise Refused(f"precision {self.precision} is not supported; choose {' or '.join(supported)}")

    def require_output(self, *supported: Output) -> None:
        """Raise `Refused` unless the output asked for is one of `supported`."""
        if self.output not in supported:
            raise Refused(f"output={self.output} is not supported; choose {' or '.join(supported)}")
