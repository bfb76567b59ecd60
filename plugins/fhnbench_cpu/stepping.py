"""Compiled kernels that advance ensembles by folded Runge-Kutta steps.

A group of samples, a few vector registers wide, stays in registers from the initial state to the horizon. Nothing is
loaded on the way, and all that is stored are the trajectories: past the caches if the rows of ``states`` are aligned
(the number of samples is a multiple of 16 in float32, of 8 in float64), which overlaps with the arithmetic and does
not first read the memory that is overwritten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numba.extending import overload

from fhnbench import ALIGNMENT, REGISTER_BYTES, REGISTERS, jit, lanes

_WIDTHS = {32: (6, 6, 4, 3), 16: (4, 4, 2, 2)}
"""Registers of one value, by the number of registers and of stages.

Wider values hide the latency of the arithmetic better, until the values of a step no longer fit into the registers.
"""

_UNITS = 10
"""Numbers before the coefficients: scales, offsets and drifts."""

_LENGTHS = tuple(_UNITS + operations for operations in (4, 9, 15, 22))
"""How many numbers there are for one to four stages."""


def registers_of(stages: int) -> int:
    """Return how many vector registers wide the values of a method are: whole cache lines, for aligned stores."""
    line = max(1, ALIGNMENT // REGISTER_BYTES)
    return -(-_WIDTHS[REGISTERS][stages - 1] // line) * line


@jit()
def solve(problems: Any, groups: Any, states: Any, plan: Any, numbers: Any) -> None:
    """Solve some groups of samples on the calling thread.

    Parameters
    ----------
    problems
        ``u0, w0, i_app``, each ``[N]``.
    groups
        ``first, stop``: group k begins with the sample ``k * size``.
    states
        The trajectories, flat: ``[T * 2 * N]``.
    plan
        ``size, substeps, aligned``: samples in a group, as many as `registers_of` registers hold; steps in a save
        interval; whether rows of `states` are aligned.
    numbers
        As `fhnbench.FoldedStep.numbers` gives them.
    """
    size = plan[0]
    for start in range(groups[0] * size, groups[1] * size, size):
        if start + size <= problems[0].size:
            _solve_group(problems, start, states, plan, numbers)
        else:
            _solve_rest(problems, start, states, plan, numbers)
    lanes.drain()


@jit(parallel=True)
def solve_parallel(problems: Any, shares: int, states: Any, plan: Any, numbers: Any) -> None:
    """Solve all groups, divided into equal shares for as many threads."""
    groups = (problems[0].size + plan[0] - 1) // plan[0]
    for share in prange(shares):
        solve(problems, (groups * share // shares, groups * (share + 1) // shares), states, plan, numbers)


def _solve_group(problems: Any, start: Any, states: Any, plan: Any, numbers: Any) -> None:
    """Solve a whole group of samples from `start`."""
    raise NotImplementedError  # compiled code calls what the next function returns


@overload(_solve_group)
def _solve_group_with(problems: Any, start: Any, states: Any, plan: Any, numbers: Any) -> Any:  # noqa: ARG001
    stages = _LENGTHS.index(numbers.count) + 1
    advance = (_one_stage, _two_stages, _three_stages, _four_stages)[stages - 1]
    registers = registers_of(stages)

    def solve_group(problems: Any, start: Any, states: Any, plan: Any, numbers: Any) -> None:
        _, substeps, aligned = plan
        u_scale, x_from_u, w_from_z, z_from_w, w_from_i, z_from_i, r_from_one, r_from_i, x_drift, z_drift = numbers[
            :_UNITS
        ]
        coefficients = numbers[_UNITS:]
        size = problems[0].size
        u = lanes.load(problems[0], start, registers)
        w = lanes.load(problems[1], start, registers)
        i_app = lanes.load(problems[2], start, registers)
        lanes.store(states, start, u)
        lanes.store(states, size + start, w)
        x = u * x_from_u
        z = w * z_from_w + i_app * z_from_i
        r = i_app * r_from_i + r_from_one
        offset = i_app * w_from_i
        for row in range(2 * size + start, states.size, 2 * size):
            for _ in range(substeps):
                x, z = advance(x, z, r, coefficients)
            x = x * x_drift + x
            z = z * z_drift + z
            if aligned:
                lanes.stream(states, row, x * u_scale)
                lanes.stream(states, row + size, z * w_from_z + offset)
            else:
                lanes.store(states, row, x * u_scale)
                lanes.store(states, row + size, z * w_from_z + offset)

    return solve_group


@jit()
def _solve_rest(problems: Any, start: int, states: Any, plan: Any, numbers: Any) -> None:
    """Solve the samples from `start`, fewer than a group, in arrays of a group's size."""
    group, substeps, _ = plan
    size = problems[0].size
    rest = size - start
    u0 = np.zeros(group, states.dtype)
    w0 = np.zeros(group, states.dtype)
    i_app = np.zeros(group, states.dtype)
    for sample in range(rest):
        u0[sample] = problems[0][start + sample]
        w0[sample] = problems[1][start + sample]
        i_app[sample] = problems[2][start + sample]
    rows = states.size // size
    solved = np.empty(rows * group, states.dtype)
    _solve_group((u0, w0, i_app), 0, solved, (group, substeps, 0), numbers)
    for row in range(rows):
        for sample in range(rest):
            states[row * size + start + sample] = solved[row * group + sample]


# One step of a method. Small terms are added up before large ones, so that float32 loses none of them, and otherwise
# what is known first is added first, so that the last multiply-add waits for nothing else.


@jit()
def _one_stage(x: Any, z: Any, r: Any, coefficients: Any) -> Any:
    k1, f1, fz, fr = coefficients
    return x * (k1 - x * x) + z, fz * z + (f1 * x + fr * r)


@jit()
def _two_stages(x: Any, z: Any, r: Any, coefficients: Any) -> Any:
    k1, k2, b1, bz, br, f1, f2, fz, fr = coefficients
    x2 = x * (k1 - x * x) + z
    x3 = x2 * (k2 - x2 * x2) + (b1 * x + (bz * z + br * r))
    return x3, fz * z + (f2 * x2 + (f1 * x + fr * r))


@jit()
def _three_stages(x: Any, z: Any, r: Any, coefficients: Any) -> Any:
    k1, k2, b1, bz, br, k3, c1, c2, cz, cr, f1, f2, f3, fz, fr = coefficients
    x2 = x * (k1 - x * x) + z
    x3 = x2 * (k2 - x2 * x2) + (b1 * x + (bz * z + br * r))
    x4 = x3 * (k3 - x3 * x3) + (c2 * x2 + (c1 * x + (cz * z + cr * r)))
    return x4, fz * z + (f3 * x3 + (f2 * x2 + (f1 * x + fr * r)))


@jit()
def _four_stages(x: Any, z: Any, r: Any, coefficients: Any) -> Any:
    k1, k2, b1, bz, br, k3, c1, c2, cz, cr, k4, d1, d2, d3, dz, dr, f1, f2, f3, f4, fz, fr = coefficients
    x2 = x * (k1 - x * x) + z
    x3 = x2 * (k2 - x2 * x2) + (b1 * x + (bz * z + br * r))
    x4 = x3 * (k3 - x3 * x3) + (c2 * x2 + (c1 * x + (cz * z + cr * r)))
    x5 = x4 * (k4 - x4 * x4) + (d3 * x3 + (d2 * x2 + (d1 * x + (dz * z + dr * r))))
    return x5, fz * z + (f4 * x4 + (f3 * x3 + (f2 * x2 + (f1 * x + fr * r))))
