"""What predicts the error of a network: a regression on its properties, judged by networks that were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fhnbench_sweep.analysis.record import Bounded, Importance, Level, Predictors
from fhnbench_sweep.analysis.study import share_column
from fhnbench_sweep.shapes import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

RESAMPLES = 200
"""How often networks are drawn again."""

LEAST = 30
"""A regression rests on at least so many networks."""


class _Property(NamedTuple):
    """A property and its columns; each level, if it has any to compare, is a column."""

    name: str
    columns: NDArray[np.float64]
    levels: tuple[str, ...] = ()


def predictors(networks: pd.DataFrame, activations: Sequence[str], chance: np.random.Generator) -> Predictors | None:
    """Return what predicts the logarithm of the error of one family's networks; None if there are too few.

    A linear regression on the logarithm of the number of neurons and its square, the number of layers (a term each),
    the class, and each activation's share of the layers. Networks are drawn again and again; each time, the regression
    is made of those that were drawn and judged by the others, of which one property after the other is shuffled. That
    takes a property's part of the variance away and puts as much noise in its place, so half of what the prediction
    gets worse by is the property's part.

    Parameters
    ----------
    networks
        As `Study.networks` has them, without repeats.
    activations
        Those that a layer may have.
    chance
        Draws and shuffles.
    """
    if len(networks) < LEAST:
        return None
    properties = _properties(networks, activations)
    design = np.column_stack([np.ones(len(networks)), *(one.columns for one in properties)])
    ends = 1 + np.cumsum([one.columns.shape[1] for one in properties])
    places = [slice(end - one.columns.shape[1], end) for one, end in zip(properties, ends, strict=True)]
    errors, total = networks["log"].to_numpy(), float(networks["log"].var())

    predicted: list[float] = []
    losses: list[list[float]] = []
    coefficients: list[NDArray[np.float64]] = []
    for _ in range(RESAMPLES):
        drawn = chance.integers(len(errors), size=len(errors))
        others = np.setdiff1d(np.arange(len(errors)), drawn)
        solution = _least_squares(design[drawn], errors[drawn])
        left = _mean_square(errors[others] - design[others] @ solution)
        predicted.append(1 - left / total)
        losses.append(
            [
                (_mean_square(errors[others] - _shuffled(design[others], place, chance) @ solution) - left)
                / (2 * total)
                for place in places
            ]
        )
        coefficients.append(solution)
    importances = [
        Importance(property=one.name, loss=bounded(loss))
        for one, loss in zip(properties, np.array(losses).T, strict=True)
    ]
    return Predictors(
        predicted=float(np.mean(predicted)),
        importances=tuple(sorted(importances, key=lambda one: -one.loss.value)),
        levels=tuple(
            level
            for one, place in zip(properties, places, strict=True)
            for level in _levels(one, np.array(coefficients)[:, place])
        ),
    )


def _properties(networks: pd.DataFrame, activations: Sequence[str]) -> list[_Property]:
    size = np.log2(networks["neurons"].to_numpy(float))
    size = size - size.mean()
    layers = networks["layers"].to_numpy()
    names = [name for name in NAMES if (networks["shape"] == name).any()]
    return [
        _Property("neurons", np.column_stack([size, size**2])),
        _Property("layers", (layers[:, None] == np.unique(layers)).astype(float)),
        _Property("class", np.column_stack([networks["shape"] == name for name in names]).astype(float), tuple(names)),
        _Property(
            "activations",
            networks[[share_column(name) for name in activations]].to_numpy(float),
            tuple(activations),
        ),
    ]


def _levels(of: _Property, coefficients: NDArray[np.float64]) -> list[Level]:
    """Return the factor of each level against the mean of all; the columns' sum, which is constant, drops out."""
    factors = 10.0 ** (coefficients - coefficients.mean(axis=1, keepdims=True))
    return [
        Level(property=of.name, level=level, factor=bounded(factors[:, place])) for place, level in enumerate(of.levels)
    ]


def _least_squares(design: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest solution; the columns of a property sum to a constant, so there are many."""
    solution: NDArray[np.float64] = np.linalg.pinv(design.T @ design, rcond=1e-10, hermitian=True) @ (design.T @ values)
    return solution


def _shuffled(design: NDArray[np.float64], place: slice, chance: np.random.Generator) -> NDArray[np.float64]:
    changed = design.copy()
    changed[:, place] = chance.permutation(design[:, place])
    return changed


def _mean_square(values: NDArray[np.float64]) -> float:
    return float(np.mean(values**2))


def bounded(values: Sequence[float] | NDArray[np.float64]) -> Bounded:
    """Return the median of what was drawn again and again, and the 95% interval."""
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
    return Bounded(value=float(middle), low=float(low), high=float(high))
