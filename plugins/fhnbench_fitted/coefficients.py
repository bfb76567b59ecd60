"""The numbers of an integrator: as tensors by name, as one vector to train, and where training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fhnbench import EULER, HEUN3, MIDPOINT, RK4, FhnbenchError, Integrator, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fhnbench import Problem

    Numbers = NDArray[np.float64]

_METHODS = {tableau.stages: tableau for tableau in (EULER, MIDPOINT, HEUN3, RK4)}


class Layout:
    """Where each number of an integrator's tensors is in a vector; those that must be zero are not in it."""

    def __init__(self, integrator: Integrator) -> None:
        self.integrator = integrator
        self.size = 0
        self.places: dict[str, NDArray[np.intp]] = {}
        for name, shape in integrator.tensor_shapes.items():
            free = np.ones(shape, bool)
            if name.endswith(".linear"):
                free[:, :-1] = np.tril(free[:, :-1])
            places = np.full(shape, -1)
            places[free] = np.arange(self.size, self.size + free.sum())
            self.places[name] = places
            self.size += int(free.sum())

    def vector(self, tensors: Mapping[str, Numbers]) -> Numbers:
        """Return the free numbers of tensors."""
        vector = np.empty(self.size)
        for name, places in self.places.items():
            vector[places[places >= 0]] = tensors[name][places >= 0]
        return vector

    def tensors(self, vector: Numbers) -> dict[str, NDArray[np.float32]]:
        """Return the tensors of an artifact."""
        padded = np.append(vector, 0.0).astype(np.float32)  # place -1 is the zero
        return {name: padded[places] for name, places in self.places.items()}


def classical(integrator: Integrator, problem: Problem) -> dict[str, Numbers]:
    """Return the tensors of a classical method with the stages of an integrator, its steps equally long.

    Raises
    ------
    FhnbenchError
        If the steps differ in their stages, or have more than a classical method.
    """
    stages = integrator.stages[0]
    if set(integrator.stages) != {stages} or stages not in _METHODS:
        raise FhnbenchError(
            f"fitted: --hidden gives the stages of each step, equally many and at most {max(_METHODS)}, as in 3,3; "
            f"not {','.join(map(str, integrator.stages))}"
        )
    step = fold(_METHODS[stages], problem.model, problem.save_interval / len(integrator.stages))
    by_r = np.array([step.r_from_one, step.r_from_i])
    linear, constant = np.zeros((stages, stages + 1)), np.zeros((stages, 2))
    # The first stage reads z as it is; a row of a later one begins with its cubic, and that of z does not.
    for row, coefficients in enumerate([*(row[1:] for row in step.rows[1:-1]), step.rows[-1]]):
        *values, z, r = coefficients
        linear[row, : row + 1], linear[row, -1] = values, z
        constant[row] = r * by_r
    cubic = np.array([row[0] for row in step.rows[:-1]])
    tensors = {"units": np.array([step.u_scale, 1 / step.w_from_z, -step.w_from_i / step.w_from_z, 0.0])}
    for number in range(len(integrator.stages)):
        named = {"cubic": cubic, "linear": linear, "constant": constant}
        tensors |= {f"steps.{number}.{name}": tensor for name, tensor in named.items()}
    return tensors
