"""What a surrogate is trained on: trajectories from the reference integrator, and batches drawn from them."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from fhnbench.errors import FhnbenchError
from fhnbench.problem import Ensemble, Problem
from fhnbench.reference import integrate
from fhnbench.training.seeds import Stream, stream_seed, torch_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fhnbench.plugins.training import TrainingData
    from fhnbench.training.objective import Objective
    from fhnbench.training.recipes import Recipe

_CHUNK = 8_192
"""Trajectories that are integrated at a time where only a few of their points are kept."""

_FEWEST_SAMPLES = 2


def check_window(problem: Problem, objective: Objective) -> None:
    """Raise `FhnbenchError` if an objective spans more save intervals than a problem has."""
    if objective.window is not None and not 0 <= objective.window < problem.save_points:
        raise FhnbenchError(f"{objective.window} save intervals in a row exceed the horizon, {problem.save_points - 1}")


@dataclass(frozen=True)
class Points:
    """Points of the space that a problem spans.

    Parameters
    ----------
    t
        Times ``[B]``.
    initial
        Initial states ``[2, B]``.
    i_app
        Applied currents ``[B]``.
    """

    t: Tensor
    initial: Tensor
    i_app: Tensor

    @classmethod
    def join(cls, parts: Sequence[Points]) -> Points:
        """Return the points of all parts, one after another."""
        t, initial, i_app = ([getattr(part, name) for part in parts] for name in ("t", "initial", "i_app"))
        return cls(torch.cat(t, dim=-1), torch.cat(initial, dim=-1), torch.cat(i_app, dim=-1))

    @property
    def size(self) -> int:
        """How many there are."""
        return self.t.numel()

    def first(self, count: int) -> Points:
        """Return the first of them, as views."""
        return Points(self.t[..., :count], self.initial[..., :count], self.i_app[..., :count])


@dataclass(frozen=True)
class Batch:
    """What a loss is computed on; float32 (float64 in the second phase), on the training's device.

    Parameters
    ----------
    points
        Where the data are.
    states
        States ``[1 + window, 2, B]``: that at ``points.t`` and those one, two, ... save intervals later. None for an
        objective without a window.
    domain
        Points anywhere in the ranges of the problem, without data; None for an objective that asks for none.
    start
        Points at t = 0, with the initial states of the first points of `domain`; None without it.
    """

    points: Points
    states: Tensor | None
    domain: Points | None = None
    start: Points | None = None

    def leaves(self) -> list[Tensor]:
        """Return all tensors; the last axis of each is the batch's."""
        groups = [points for points in (self.points, self.domain, self.start) if points is not None]
        leaves = [leaf for points in groups for leaf in (points.t, points.initial, points.i_app)]
        return leaves if self.states is None else [*leaves, self.states]

    def with_leaves(self, leaves: Sequence[Tensor]) -> Batch:
        """Return the batch with other tensors in the place of its own, in the order of `leaves`."""
        domain = None if self.domain is None else Points(*leaves[3:6])
        start = None if self.start is None else Points(*leaves[6:9])
        return Batch(Points(*leaves[:3]), None if self.states is None else leaves[-1], domain, start)

    def __getitem__(self, samples: slice) -> Batch:
        """Return some of the samples, as views, of a batch whose parts have one size."""
        return self.with_leaves([leaf[..., samples] for leaf in self.leaves()])

    def for_stack(self) -> Batch:
        """Return the batch as a `NetworkStack` reads it: ``[..., 1, B]``, as views."""
        return self.with_leaves([leaf.unsqueeze(-2) for leaf in self.leaves()])

    def double(self) -> Batch:
        """Return the batch in float64."""
        return self.with_leaves([leaf.double() for leaf in self.leaves()])


@dataclass(frozen=True)
class _Pool:
    """Pieces of trajectories: ``states[P, 2, M]`` at ``start[M] + k * spacing``."""

    states: Tensor
    start: Tensor
    initial: Tensor
    i_app: Tensor
    spacing: float
    stride: int

    @classmethod
    def of(
        cls,
        states: NDArray[np.float64],
        ensemble: Ensemble,
        start: NDArray[np.float64],
        spacing: float,
        stride: int,
        device: str,
    ) -> _Pool:
        def tensor(array: NDArray[np.float64]) -> Tensor:
            return torch.from_numpy(array.astype(np.float32)).to(device)

        initial = np.stack([ensemble.u0, ensemble.w0])
        return cls(tensor(states), tensor(start), tensor(initial), tensor(ensemble.i_app), spacing, stride)


class Supply:
    """Training data of a problem, a round at a time; each round depends on its number and the seed alone.

    Parameters
    ----------
    problem, recipe, seed, device
        As for a training.
    given
        Trajectories to use in place of sampling.

    Attributes
    ----------
    seconds
        Time spent on making data, in seconds.
    size
        Samples of the fixed training set; 0 where trajectories are fresh.
    """

    def __init__(
        self, problem: Problem, recipe: Recipe, seed: int, device: str, given: TrainingData | None = None
    ) -> None:
        self.seconds = 0.0
        self.size = 0
        self._problem, self._recipe, self._seed, self._device, self._given = problem, recipe, seed, device, given
        self._window: int | None = None
        self._domain = False
        self._fixed: _Pool | None = None

    def require(self, objective: Objective) -> None:
        """Make what an objective needs; batches hold it from the next round on.

        Raises
        ------
        FhnbenchError
            If its window is longer than the horizon, or the fixed training set has a single sample.
        """
        problem, window = self._problem, objective.window
        check_window(problem, objective)
        self._window, self._domain = window, objective.domain
        began = time.perf_counter()
        if window is not None and self._given is not None:
            given = self._given
            self.size = given.ensemble.size * (problem.save_points - window)
            start = np.zeros(given.ensemble.size)
            self._fixed = _Pool.of(given.states, given.ensemble, start, problem.save_interval, 1, self._device)
        elif window is not None and self._recipe.fixed_samples(problem.name):
            self.size = self._recipe.fixed_samples(problem.name)
            if self.size < _FEWEST_SAMPLES:
                raise FhnbenchError(
                    f"samples={self.size} are too few: give {_FEWEST_SAMPLES} or more, or 0 for fresh trajectories"
                )
            self._fixed = self._even_points(window)
        self.seconds += time.perf_counter() - began

    def begin_round(self, number: int) -> None:
        """Make the data and the random numbers of a round."""
        self._generator = torch.Generator(self._device)
        self._generator.manual_seed(torch_seed(self._seed, Stream.BATCHES, number))
        if self._window is None or self._fixed is not None:
            self._pool = self._fixed
            return
        began = time.perf_counter()
        ensemble = self._problem.sample(
            self._recipe.pool if self._problem.varied else 1, "uniform", self._of(Stream.TRAJECTORIES, number)
        )
        self._pool = _Pool.of(
            self._integrate(ensemble),
            ensemble,
            np.zeros(ensemble.size),
            self._problem.save_interval / self._recipe.points_per_interval,
            self._recipe.points_per_interval,
            self._device,
        )
        self.seconds += time.perf_counter() - began

    def draw(self, size: int, horizon_fraction: float = 1.0) -> Batch:
        """Return a batch of `size` samples up to a fraction of the horizon; a smaller fixed set is returned whole.

        Where points without data are asked for, the recipe's shares of `size` say how many there are.
        """
        recipe = self._recipe
        domain, start = self._draw_without_data(
            math.ceil(recipe.domain_share * size), math.ceil(recipe.start_share * size), horizon_fraction
        )
        if self._pool is None:
            return Batch(self._draw_domain(1, horizon_fraction), None, domain, start)
        points, states = self._draw_data(self._pool, size, horizon_fraction)
        return Batch(points, states, domain, start)

    def draw_even(self, size: int, horizon_fraction: float = 1.0) -> Batch:
        """Return a batch whose parts have one size, as the second phase needs it.

        A smaller fixed set is returned whole, or drawn from repeatedly where there are points without data beside it.
        """
        domain, start = self._draw_without_data(size, size, horizon_fraction)
        if self._pool is None:
            return Batch(self._draw_domain(size, horizon_fraction), None, domain, start)
        points, states = self._draw_data(self._pool, size, horizon_fraction, whole=not self._domain)
        return Batch(points, states, domain, start)

    def _of(self, stream: Stream, number: int = 0) -> int:
        return stream_seed(self._seed, stream, number)

    def _finer(self) -> Problem:
        interval = self._problem.save_interval / self._recipe.points_per_interval
        return dataclasses.replace(self._problem, save_interval=interval)

    def _integrate(self, ensemble: Ensemble) -> NDArray[np.float64]:
        finer = self._finer()
        dt = finer.save_interval / math.ceil(finer.save_interval / self._recipe.dt - 1e-9)
        return integrate(finer, ensemble, dt, self._recipe.method)

    def _draw_data(self, pool: _Pool, size: int, horizon_fraction: float, whole: bool = True) -> tuple[Points, Tensor]:
        length, _, trajectories = pool.states.shape
        span = (self._window or 0) * pool.stride
        starts = max(1, round((length - span) * horizon_fraction)) if length > span + 1 else 1
        if starts == 1 and trajectories <= size and whole:
            sample = torch.arange(trajectories, device=self._device)
        else:
            sample = torch.randint(trajectories, (size,), generator=self._generator, device=self._device)
        first = torch.randint(starts, sample.shape, generator=self._generator, device=self._device)
        steps = torch.arange(0, span + 1, pool.stride, device=self._device)
        states = pool.states.movedim(1, 0)[:, first + steps[:, None], sample].movedim(0, 1)
        t = pool.start[sample] + first * pool.spacing
        return Points(t, pool.initial[:, sample], pool.i_app[sample]), states

    def _draw_without_data(
        self, size: int, start_size: int, horizon_fraction: float
    ) -> tuple[Points | None, Points | None]:
        if not self._domain:
            return None, None
        domain = self._draw_domain(size, horizon_fraction)
        return domain, dataclasses.replace(domain.first(start_size), t=torch.zeros_like(domain.t[:start_size]))

    def _draw_domain(self, size: int, horizon_fraction: float) -> Points:
        unit = torch.rand(4, size, generator=self._generator, device=self._device)
        ranges = ((0.0, self._problem.horizon * horizon_fraction), *_ranges(self._problem))
        t, u0, w0, i_app = (low + (high - low) * unit[k] for k, (low, high) in enumerate(ranges))
        return Points(t, torch.stack([u0, w0]), i_app)

    def _even_points(self, window: int) -> _Pool:
        """Return a fixed set that covers times and ranges evenly."""
        problem, finer, size = self._problem, self._finer(), self.size
        stride = self._recipe.points_per_interval
        unit = even_points(size, 1 + len(problem.varied), self._of(Stream.TRAJECTORIES))
        first = np.minimum((unit[:, 0] * (finer.save_points - window * stride)).astype(np.int64), finer.save_points - 1)
        ensemble = _ensemble(problem, unit[:, 1:])
        kept = np.empty((1 + window, 2, size))
        offsets = stride * np.arange(1 + window)
        for start in range(0, size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            states = self._integrate(ensemble[chunk])
            samples = np.arange(states.shape[2])
            kept[:, :, chunk] = states[first[chunk] + offsets[:, None], :, samples].transpose(0, 2, 1)
        return _Pool.of(kept, ensemble, first * finer.save_interval, problem.save_interval, 1, self._device)


def even_points(size: int, dimensions: int, seed: int) -> NDArray[np.float64]:
    """Return `size` points that fill the unit cube evenly, ``[size, dimensions]``: a shifted Kronecker sequence.

    The generator is the generalised golden ratio (M. Roberts, 2018); for one dimension the points are equidistant.
    """
    if dimensions == 1:
        return ((np.arange(size) + 0.5) / size)[:, None]
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    shift = np.random.default_rng(seed).random(dimensions)
    return (shift + np.arange(1, size + 1)[:, None] * steps) % 1.0


def typical_trajectories(problem: Problem) -> NDArray[np.float64]:
    """Return a few hundred trajectories ``[T, 2, N]`` of a problem, from which scales are taken."""
    ensemble = problem.sample(512, "uniform", stream_seed(0, Stream.SCALES))
    return integrate(problem, ensemble, problem.save_interval / 10, "rk4")


def _ranges(problem: Problem) -> tuple[tuple[float, float], ...]:
    return problem.u0, problem.w0, problem.i_app


def _ensemble(problem: Problem, unit: NDArray[np.float64]) -> Ensemble:
    columns = {}
    for name in ("u0", "w0", "i_app"):
        low, high = getattr(problem, name)
        spread = unit[:, problem.varied.index(name)] if name in problem.varied else np.zeros(len(unit))
        columns[name] = (low + (high - low) * spread).astype(np.float32).astype(np.float64)
    return Ensemble(**columns, model=problem.model)
