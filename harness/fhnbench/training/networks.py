"""The layouts that families choose from: which inputs a network reads and how they are normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from fhnbench.errors import FhnbenchError
from fhnbench.plugins.registry import suggestion
from fhnbench.structure import Activation, Network, NetworkInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench.problem import Problem

HIDDEN_ACTIVATIONS = tuple(name for name in get_args(Activation) if name != "identity")
"""Activations that a hidden layer may have."""


def direct_network(
    problem: Problem,
    hidden: Sequence[int],
    activations: Sequence[str],
    states: NDArray[np.float64],
    output: Literal["state", "increment"] = "state",
) -> Network:
    """Return the network of (t, and what the problem varies) that gives the state at t.

    Parameters
    ----------
    problem
        Its ranges and horizon are mapped to [-1, 1].
    hidden, activations
        Sizes and activations of the hidden layers.
    states
        Trajectories ``[T, 2, N]`` that are typical of the problem: outputs are scaled by their mean and spread.
    output
        As for `Network`.

    Raises
    ------
    FhnbenchError
        If a size or an activation cannot be.
    """
    ranges: dict[NetworkInput, tuple[float, float]] = {"t": (0.0, problem.horizon)}
    for name, variable in (("u", "u0"), ("w", "w0"), ("i_app", "i_app")):
        if variable in problem.varied:
            ranges[name] = getattr(problem, variable)  # type: ignore[index]  # the three names are inputs
    targets = states - states[0] if output == "increment" else states
    return _network(ranges, hidden, activations, targets[:, None], "direct", output)


def iterative_network(
    problem: Problem,
    hidden: Sequence[int],
    activations: Sequence[str],
    states: NDArray[np.float64],
    output: Literal["state", "increment"] = "increment",
    pass_points: int = 1,
) -> Network:
    """Return the network of (u, w, and I if it varies) that gives the next `pass_points` save points.

    Parameters
    ----------
    problem
        Its range of I is mapped to [-1, 1].
    hidden, activations
        Sizes and activations of the hidden layers.
    states
        Trajectories ``[T, 2, N]`` that are typical of the problem: the values they visit are mapped to [-1, 1], and
        outputs are scaled by their mean and spread.
    output, pass_points
        As for `Network`.

    Raises
    ------
    FhnbenchError
        If a size or an activation cannot be, or a pass is longer than the horizon.
    """
    if not 1 <= pass_points < problem.save_points:
        raise FhnbenchError(f"pass_points={pass_points}: a pass gives 1 to {problem.save_points - 1} save points")
    low, high = states.min(axis=(0, 2)), states.max(axis=(0, 2))
    ranges: dict[NetworkInput, tuple[float, float]] = {
        "u": (float(low[0]), float(high[0])),
        "w": (float(low[1]), float(high[1])),
    }
    if "i_app" in problem.varied:
        ranges["i_app"] = problem.i_app
    starts = states[:-pass_points]
    targets = np.stack([states[k : k + len(starts)] for k in range(1, pass_points + 1)], axis=1)
    if output == "increment":
        targets = targets - starts[:, None]
    return _network(ranges, hidden, activations, targets, "iterative", output)


def _network(
    ranges: dict[NetworkInput, tuple[float, float]],
    hidden: Sequence[int],
    activations: Sequence[str],
    targets: NDArray[np.float64],
    scheme: Literal["direct", "iterative"],
    output: Literal["state", "increment"],
) -> Network:
    """Assemble a network; `targets` is ``[start, point of the pass, u or w, sample]``."""
    _check_layers(hidden, activations)
    pass_points = targets.shape[1]
    shift, scale = targets.mean(axis=(0, 3)).ravel(), targets.std(axis=(0, 3)).ravel()
    return Network(
        inputs=tuple(ranges),
        widths=(len(ranges), *hidden, 2 * pass_points),
        activations=(*activations, "identity"),  # type: ignore[arg-type]  # checked above
        scheme=scheme,
        input_shift=tuple(_float32((low + high) / 2) for low, high in ranges.values()),
        input_scale=tuple(_float32((high - low) / 2) for low, high in ranges.values()),
        output_shift=tuple(map(_float32, shift)),
        output_scale=tuple(map(_float32, np.where(scale > 0, scale, 1.0))),
        output=output,
        pass_points=pass_points,
    )


def _check_layers(hidden: Sequence[int], activations: Sequence[str]) -> None:
    if not hidden or min(hidden) < 1:
        raise FhnbenchError(f"hidden layers {','.join(map(str, hidden)) or '(none)'}: give sizes of 1 or more")
    if len(activations) != len(hidden):
        raise FhnbenchError(f"{len(activations)} activations for {len(hidden)} hidden layers; give one or all")
    for name in activations:
        if name not in HIDDEN_ACTIVATIONS:
            raise FhnbenchError(f"no activation {name!r}; {suggestion(name, list(HIDDEN_ACTIVATIONS))}")


def _float32(value: float) -> float:
    # Rounded, so that every runtime reads the very number that the training used.
    return float(np.float32(value))
