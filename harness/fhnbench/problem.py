"""The FitzHugh-Nagumo cell model, the problems A, B and C, and ensembles sampled from them.

The model and the three problems are those of Werneck et al., section 2. The paper prints no values; the
defaults here are the classical ones (a = 0.7, b = 0.8, c = 1, tau = 12.5), for which its own statement
about Euler's step (0.1 is the largest with an error below 1e-2) holds.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Sampling = Literal["uniform", "grid", "sobol"]
Range = tuple[float, float]
Quantity = TypeVar("Quantity")

VARIABLES = ("u0", "w0", "i_app")

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class FitzHughNagumo:
    """The two coupled equations of the FitzHugh-Nagumo model (Werneck et al., equations 1 and 2).

    ``du/dt = c (u - u^3 / 3 - w) + i_app`` and ``dw/dt = (u + a - b w) / tau``.

    Parameters
    ----------
    a, b, c, tau
        Model parameters, dimensionless; `c` and `tau` are positive.

    Raises
    ------
    FhnbenchError
        If a parameter is not finite, or `c` or `tau` is not positive.
    """

    a: float = 0.7
    b: float = 0.8
    c: float = 1.0
    tau: float = 12.5

    def __post_init__(self) -> None:
        for name in ("a", "b", "c", "tau"):
            if not math.isfinite(getattr(self, name)):
                raise FhnbenchError(f"model parameter {name}={getattr(self, name)} is not finite")
        for name in ("c", "tau"):
            if getattr(self, name) <= 0:
                raise FhnbenchError(f"model parameter {name}={getattr(self, name)} must be positive")

    def derivative(self, u: Any, w: Any, i_app: Any) -> tuple[Any, Any]:
        """Return ``(du/dt, dw/dt)`` for numbers or for arrays of any library, elementwise."""
        return self.c * (u - u * u * u / 3 - w) + i_app, (u + self.a - self.b * w) / self.tau


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """N initial-value problems of one model.

    Parameters
    ----------
    u0, w0, i_app
        Initial membrane potential, initial recovery variable and applied current: one-dimensional contiguous
        arrays of equal length and dtype, float32 or float64, dimensionless.
    model
        The parameters that all samples share.

    Raises
    ------
    FhnbenchError
        If the arrays differ in shape or dtype, are empty, or hold values that are not finite.
    """

    u0: NDArray[Any]
    w0: NDArray[Any]
    i_app: NDArray[Any]
    model: FitzHughNagumo = field(default_factory=FitzHughNagumo)

    def __post_init__(self) -> None:
        for name in VARIABLES:
            array = getattr(self, name)
            if array.ndim != 1 or array.size == 0:
                raise FhnbenchError(f"ensemble: {name} must be one-dimensional and not empty, got {array.shape}")
            if array.shape != self.u0.shape or array.dtype != self.u0.dtype:
                raise FhnbenchError(
                    f"ensemble: {name} is {array.dtype}{list(array.shape)}, u0 is "
                    f"{self.u0.dtype}{list(self.u0.shape)}; all three must agree"
                )
            if array.dtype not in (np.float32, np.float64):
                raise FhnbenchError(f"ensemble: {name} is {array.dtype}; float32 or float64 is needed")
            if not np.isfinite(array).all():
                where = int(np.flatnonzero(~np.isfinite(array))[0])
                raise FhnbenchError(f"ensemble: {name}[{where}] is {array[where]}; all values must be finite")

    @property
    def size(self) -> int:
        """Number of samples, N."""
        return int(self.u0.size)

    def __getitem__(self, samples: slice) -> Ensemble:
        """Return the samples of a slice, as views."""
        return Ensemble(self.u0[samples], self.w0[samples], self.i_app[samples], self.model)

    def astype(self, dtype: Any) -> Ensemble:
        """Return the ensemble with contiguous arrays of `dtype` (float32 or float64)."""
        u0, w0, i_app = (np.ascontiguousarray(getattr(self, name), dtype=dtype) for name in VARIABLES)
        return Ensemble(u0, w0, i_app, self.model)


@dataclass(frozen=True, slots=True)
class Problem:
    """What varies, over which ranges, for how long, and how often the state is saved.

    Use `standard_problem` for A, B and C. A variable whose range has equal ends is fixed.

    Parameters
    ----------
    name
        ``A`` (only time varies), ``B`` (and the initial state) or ``C`` (and the applied current).
    u0, w0, i_app
        Ranges ``(low, high)``, dimensionless.
    horizon, save_interval
        End of the simulation and distance of save points, in time units; the horizon is a whole multiple of
        the save interval.
    model
        Model parameters.

    Raises
    ------
    FhnbenchError
        If a range is reversed or goes beyond float32, or the save interval does not divide the horizon.
    """

    name: str
    u0: Range
    w0: Range
    i_app: Range
    horizon: float = 50.0
    save_interval: float = 1.0
    model: FitzHughNagumo = field(default_factory=FitzHughNagumo)

    def __post_init__(self) -> None:
        for name in VARIABLES:
            low, high = getattr(self, name)
            if not -_LARGEST <= low <= high <= _LARGEST:
                raise FhnbenchError(
                    f"problem {self.name}: range of {name} is ({low}, {high}), not two float32 numbers in order"
                )
        intervals = self.horizon / self.save_interval if self.save_interval > 0 else math.nan
        if not (self.horizon > 0 and math.isfinite(intervals)):
            raise FhnbenchError(
                f"problem {self.name}: horizon {self.horizon} and save interval {self.save_interval} must be "
                f"positive and finite, and so must be their ratio"
            )
        if round(intervals) < 1 or abs(intervals - round(intervals)) > 1e-9 * intervals:
            raise FhnbenchError(
                f"problem {self.name}: save interval {self.save_interval:g} does not divide the horizon "
                f"{self.horizon:g}; the nearest that does is {self.horizon / max(1, round(intervals)):.12g}"
            )

    @property
    def save_points(self) -> int:
        """Number of save points T, the initial state included."""
        return round(self.horizon / self.save_interval) + 1

    @property
    def times(self) -> NDArray[np.float64]:
        """Times of the save points, float64 ``[T]``, from 0 to the horizon."""
        return np.arange(self.save_points, dtype=np.float64) * self.save_interval

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of the variables whose range is not a single value, in the order u0, w0, i_app."""
        return tuple(name for name in VARIABLES if getattr(self, name)[0] < getattr(self, name)[1])

    def sample(self, size: int, sampling: Sampling = "uniform", seed: int = 0) -> Ensemble:
        """Sample an ensemble.

        Values are rounded to float32 (and kept as float64), so that contenders of every precision from float32
        up solve the very same initial-value problems as the reference.

        Parameters
        ----------
        size
            Number of samples.
        sampling
            ``uniform`` (independent), ``grid`` (a regular grid that includes the ends; `size` is ``k ** d``
            for d varied variables) or ``sobol`` (scrambled Sobol points).
        seed
            Seed of the generator, not negative; ``grid`` does not use it.

        Returns
        -------
        Ensemble
            float64 arrays of length `size`.

        Raises
        ------
        FhnbenchError
            If `size` is not positive or does not make a grid, or `seed` is negative.
        """
        if size < 1:
            raise FhnbenchError(f"an ensemble needs at least one sample, not {size}")
        if seed < 0:
            raise FhnbenchError(f"seed {seed} is negative")
        unit = _unit_points(size, len(self.varied), sampling, seed)
        columns = {}
        for name in VARIABLES:
            low, high = getattr(self, name)
            column = (
                low + (high - low) * unit[:, self.varied.index(name)] if name in self.varied else np.full(size, low)
            )
            columns[name] = column.astype(np.float32).astype(np.float64)
        return Ensemble(**columns, model=self.model)


_STANDARD_RANGES: dict[str, tuple[Range, Range, Range]] = {
    # What a problem does not vary sits at the centre of the range that it has in problem C.
    "A": ((0.0, 0.0), (0.0, 0.0), (0.5, 0.5)),
    "B": ((-2.0, 2.0), (-1.0, 1.0), (0.5, 0.5)),
    "C": ((-2.0, 2.0), (-1.0, 1.0), (0.0, 1.0)),
}
PROBLEM_NAMES = tuple(_STANDARD_RANGES)


def standard_problem(name: str, **changes: Any) -> Problem:
    """Return problem A, B or C of Werneck et al., section 2.

    Parameters
    ----------
    name
        ``A``, ``B`` or ``C``, in either case.
    **changes
        Fields of `Problem` to replace (``horizon=100``, ``model=FitzHughNagumo(c=3)``).

    Raises
    ------
    FhnbenchError
        If there is no such problem.
    """
    try:
        u0, w0, i_app = _STANDARD_RANGES[name.upper()]
    except KeyError:
        raise FhnbenchError(f"no problem {name!r}; there are {', '.join(PROBLEM_NAMES)}") from None
    return dataclasses.replace(Problem(name.upper(), u0, w0, i_app), **changes)


def _unit_points(size: int, dimensions: int, sampling: Sampling, seed: int) -> NDArray[np.float64]:
    """Return `size` points of the unit cube, float64 ``[size, dimensions]``."""
    if sampling not in get_args(Sampling):
        raise FhnbenchError(f"no sampling {sampling!r}; there are {', '.join(get_args(Sampling))}")
    if dimensions == 0:
        return np.empty((size, 0))
    if sampling == "grid":
        side = round(size ** (1 / dimensions))
        if side**dimensions != size or side < 2:
            raise FhnbenchError(
                f"a grid over {dimensions} variables has k^{dimensions} samples for a whole k > 1; "
                f"the nearest to {size} is {max(2, side) ** dimensions}"
            )
        axes = np.meshgrid(*[np.linspace(0, 1, side)] * dimensions, indexing="ij")
        return np.stack([axis.ravel() for axis in axes], axis=1)
    if sampling == "sobol":
        from scipy.stats import qmc

        engine = qmc.Sobol(dimensions, seed=np.random.default_rng(seed))
        points: NDArray[np.float64] = engine.random_base2(max(0, size - 1).bit_length())[:size]
        return points
    return np.random.default_rng(seed).random((size, dimensions))
