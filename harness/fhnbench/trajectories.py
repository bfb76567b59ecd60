"""The array that every contender owes: ``states[T, 2, N]``, checked once, where it crosses into the harness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble
    from fhnbench.workload import Precision, Workload


ROUNDING: dict[Precision, float] = {"float64": 1e-9, "float32": 3e-3, "float16": 0.5, "bfloat16": 1.0}
"""Largest difference that another order of the same operations may make away from the threshold.

Euler's method in float32, its terms summed in another order, differs by 1e-4 at dt = 0.1 and by 1e-3 at dt = 0.01, the
largest of 20,000 samples. A mistake (another sample, an old state) is of the order of 1.
"""


class InvalidTrajectories(FhnbenchError):
    """What a contender returned is not the trajectories that it owes."""


def check_trajectories(states: object, workload: Workload, ensemble: Ensemble) -> NDArray[Any]:
    """Return `states` if it is what the workload asks for.

    Parameters
    ----------
    states
        What a contender's `output` returned.
    workload
        Gives the shape ``(T, 2, N)`` and the dtype.
    ensemble
        The inputs of the run; the first save point must be equal to them, to the last bit.

    Returns
    -------
    ndarray
        The same array.

    Raises
    ------
    InvalidTrajectories
        If it is no array, or its shape, dtype, layout, finiteness or first save point are wrong.
    """
    states = checked_array(states, workload, "(save point, u or w, sample)")
    for index, name in enumerate(("u", "w")):
        if not np.array_equal(states[0, index], getattr(ensemble, f"{name}0").astype(workload.dtype)):
            raise InvalidTrajectories(f"the first save point of {name} is not the initial state")
    if not np.isfinite(states).all():
        point, variable, sample = (int(i) for i in np.argwhere(~np.isfinite(states))[0])
        value = states[point, variable, sample]
        raise InvalidTrajectories(f"output holds {value} for {'uw'[variable]} at save point {point}, sample {sample}")
    return states


def checked_array(output: object, workload: Workload, axes: str) -> NDArray[Any]:
    """Return an output that is an array of the shape, dtype and layout owed; `axes` names its axes.

    Raises
    ------
    InvalidTrajectories
        If it is not.
    """
    if not isinstance(output, np.ndarray):
        raise InvalidTrajectories(f"output is a {type(output).__name__}, not a NumPy array")
    if output.shape != workload.shape:
        raise InvalidTrajectories(f"output has shape {output.shape}, not {axes} = {workload.shape}")
    if output.dtype != workload.dtype:
        raise InvalidTrajectories(f"output is {output.dtype}, not {workload.dtype}")
    if not output.flags.c_contiguous:
        raise InvalidTrajectories("output is not C-contiguous (samples must be adjacent in memory)")
    return output
