"""Compiled kernels that advance ensembles by folded Runge-Kutta steps.

A group of samples, a few vector registers wide, stays in registers from the initial state to the horizon. Nothing is
loaded on the way, and all that is stored are the trajectories: past the caches if the rows of ``states`` are aligned
(the number of samples is a multiple of 16 in float32, of 8 in float64), which overlaps with the arithmetic and does
not first read the memory that is overwritten. Where features are asked for, only they are stored, at the end.
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

_FEATURE_WIDTHS = {32: (3, 2, 2, 2), 16: (1, 1, 1, 1)}
"""The same for features, of which ten values are kept for each sample besides the state."""

COLLECTED = 1
"""Registers of one value where features are collected from trajectories; more would not be faster."""

_UNITS = 10
"""Numbers before the coefficients: scales, offsets and drifts."""

_LENGTHS = tuple(_UNITS + operations for operations in (4, 9, 15, 22))
"""How many numbers there are for one to four stages."""


def registers_of(stages: int, *, features: bool = False) -> int:
    """Return how many vector registers wide the values of a method are.

    Those of trajectories are whole cache lines, for aligned stores.
    """
    if features:
        return _FEATURE_WIDTHS[REGISTERS][stages - 1]
    line = max(1, ALIGNMENT // REGISTER_BYTES)
    return -(-_WIDTHS[REGISTERS][stages - 1] // line) * line


@jit()
def solve(problems: Any, groups: Any, output: Any, plan: Any, numbers: Any) -> None:
    """Solve some groups of samples on the calling thread.

    Parameters
    ----------
    problems
        ``u0, w0, i_app``, each ``[N]``.
    groups
        ``first, stop``: group k begins with the sample ``k * size``.
    output
        The trajectories, flat: ``[T * 2 * N]``; or features, ``[F * N]``.
    plan
        ``size, substeps, aligned``: samples in a group, as many as `registers_of` registers hold; steps in a save
        interval; whether rows of `output` are aligned. For features also ``save_points, save_interval, threshold``: the
        number of save points, their distance in time units, and the spike threshold.
    numbers
        As `fhnbench.FoldedStep.numbers` gives them.
    """
    size = plan[0]
    for start in range(groups[0] * size, groups[1] * size, size):
        if start + size <= problems[0].size:
            _solve_group(problems, start, output, plan, numbers)
        else:
            _solve_rest(problems, start, output, plan, numbers)
    lanes.drain()


@jit(parallel=True)
def solve_parallel(problems: Any, shares: int, output: Any, plan: Any, numbers: Any) -> None:
    """Solve all groups, divided into equal shares for as many threads."""
    groups = (problems[0].size + plan[0] - 1) // plan[0]
    for share in prange(shares):
        solve(problems, (groups * share // shares, groups * (share + 1) // shares), output, plan, numbers)


def _solve_group(problems: Any, start: Any, output: Any, plan: Any, numbers: Any) -> None:
    """Solve a whole group of samples from `start`."""
    raise NotImplementedError  # compiled code calls what the next function returns


@overload(_solve_group)
def _solve_group_with(problems: Any, start: Any, output: Any, plan: Any, numbers: Any) -> Any:  # noqa: ARG001
    stages = _LENGTHS.index(numbers.count) + 1
    advance = (_one_stage, _two_stages, _three_stages, _four_stages)[stages - 1]
    if len(plan) > 3:
        return _features_with(advance, registers_of(stages, features=True))
    registers = registers_of(stages)

    def solve_group(problems: Any, start: Any, output: Any, plan: Any, numbers: Any) -> None:
        _, substeps, aligned = plan
        u_scale, x_from_u, w_from_z, z_from_w, w_from_i, z_from_i, r_from_one, r_from_i, x_drift, z_drift = numbers[
            :_UNITS
        ]
        coefficients = numbers[_UNITS:]
        size = problems[0].size
        u = lanes.load(problems[0], start, registers)
        w = lanes.load(problems[1], start, registers)
        i_app = lanes.load(problems[2], start, registers)
        lanes.store(output, start, u)
        lanes.store(output, size + start, w)
        x = u * x_from_u
        z = w * z_from_w + i_app * z_from_i
        r = i_app * r_from_i + r_from_one
        offset = i_app * w_from_i
        for row in range(2 * size + start, output.size, 2 * size):
            for _ in range(substeps):
                x, z = advance(x, z, r, coefficients)
            x = x * x_drift + x
            z = z * z_drift + z
            if aligned:
                lanes.stream(output, row, x * u_scale)
                lanes.stream(output, row + size, z * w_from_z + offset)
            else:
                lanes.store(output, row, x * u_scale)
                lanes.store(output, row + size, z * w_from_z + offset)

    return solve_group


def _features_with(advance: Any, registers: int) -> Any:
    def features_of_group(problems: Any, start: Any, output: Any, plan: Any, numbers: Any) -> None:
        _, substeps, _, save_points, save_interval, threshold = plan
        u_scale, x_from_u, w_from_z, z_from_w, w_from_i, z_from_i, r_from_one, r_from_i, x_drift, z_drift = numbers[
            :_UNITS
        ]
        coefficients = numbers[_UNITS:]
        u = lanes.load(problems[0], start, registers)
        w = lanes.load(problems[1], start, registers)
        i_app = lanes.load(problems[2], start, registers)
        x = u * x_from_u
        z = w * z_from_w + i_app * z_from_i
        r = i_app * r_from_i + r_from_one
        level = threshold * x_from_u
        seen = _first_seen(x, z)
        for point in range(1, save_points):
            for _ in range(substeps):
                x, z = advance(x, z, r, coefficients)
            x = x * x_drift + x
            z = z * z_drift + z
            seen = _see(seen, x, z, level, point)
        scales = u_scale, w_from_z, i_app * w_from_i
        _store_features(output, (start, problems[0].size), seen, z, save_interval, scales)

    return features_of_group


@jit()
def _solve_rest(problems: Any, start: int, output: Any, plan: Any, numbers: Any) -> None:
    """Solve the samples from `start`, fewer than a group, in arrays of a group's size."""
    group = plan[0]
    size = problems[0].size
    rest = size - start
    u0 = np.zeros(group, output.dtype)
    w0 = np.zeros(group, output.dtype)
    i_app = np.zeros(group, output.dtype)
    for sample in range(rest):
        u0[sample] = problems[0][start + sample]
        w0[sample] = problems[1][start + sample]
        i_app[sample] = problems[2][start + sample]
    rows = output.size // size
    solved = np.empty(rows * group, output.dtype)
    _solve_group((u0, w0, i_app), 0, solved, (group, plan[1], 0) + plan[3:], numbers)  # noqa: RUF005 - numba has no unpacking
    for row in range(rows):
        for sample in range(rest):
            output[row * size + start + sample] = solved[row * group + sample]


# Features on the fly. What a spike costs is paid at every save point: among the samples of a group one spikes nearly
# always. All is done in the scale of x and z, and divided once, at the end.


@jit()
def _first_seen(x: Any, z: Any) -> Any:
    """Return what is known of samples at the initial state; to be handed to `_see`."""
    zero = lanes.select(x, x, x, 0.0)
    none = zero, zero + 1.0  # a quotient
    return x, zero, none, none, (x, x), (z, z)


@jit()
def _see(seen: Any, x: Any, z: Any, level: Any, point: Any) -> Any:
    """Return what is known at the save point of a number, from 1, given what was known at the one before."""
    before, count, first, last, x_range, z_range = seen
    # The line from the last save point reaches the threshold at the time (point * rise - beyond) / rise.
    rise, beyond = x - before, x - level
    time = point * rise - beyond
    last = (
        lanes.select_rising(before, x, level, time, last[0]),
        lanes.select_rising(before, x, level, rise, last[1]),
    )
    first = lanes.select(count, 0.5, last[0], first[0]), lanes.select(count, 0.5, last[1], first[1])
    count = lanes.select_rising(before, x, level, count + 1.0, count)
    x_range = lanes.select(x, x_range[0], x, x_range[0]), lanes.select(x_range[1], x, x, x_range[1])
    z_range = lanes.select(z, z_range[0], z, z_range[0]), lanes.select(z_range[1], z, z, z_range[1])
    return x, count, first, last, x_range, z_range


@jit()
def _store_features(features: Any, place: Any, seen: Any, z: Any, save_interval: Any, scales: Any) -> None:
    """Write the rows of `fhnbench.FEATURES`, the samples from `place[0]` of `place[1]`, to flat ``features[F * N]``."""
    start, size = place
    u_scale, w_from_z, w_offset = scales
    x, count, (first_time, first_rise), (last_time, last_rise), (x_low, x_high), (z_low, z_high) = seen
    first, last = first_time / first_rise * save_interval, last_time / last_rise * save_interval
    low, high = z_low * w_from_z + w_offset, z_high * w_from_z + w_offset
    lanes.store(features, start, count)
    lanes.store(features, start + size, lanes.select(count, 0.5, -1.0, first))
    lanes.store(features, start + 2 * size, lanes.select(count, 0.5, -1.0, last))
    lanes.store(features, start + 3 * size, lanes.select(count, 1.5, -1.0, (last - first) / (count - 1.0)))
    lanes.store(features, start + 4 * size, x * u_scale)
    lanes.store(features, start + 5 * size, z * w_from_z + w_offset)
    lanes.store(features, start + 6 * size, x_low * u_scale)
    lanes.store(features, start + 7 * size, x_high * u_scale)
    lanes.store(features, start + 8 * size, lanes.select(low, high, low, high))
    lanes.store(features, start + 9 * size, lanes.select(low, high, high, low))


@jit()
def collect_features(states: Any, samples: Any, features: Any, plan: Any) -> None:
    """Reduce the trajectories of a block of samples to features.

    Parameters
    ----------
    states
        ``[T, 2, n]``, n at least as many as `COLLECTED` registers hold.
    samples
        ``first, size``: the first of the n samples, and N.
    features
        Flat: ``[F * N]``.
    plan
        ``group, save_interval, threshold``: samples that `COLLECTED` registers hold; distance of save points in time
        units, and the spike threshold.
    """
    first, size = samples
    group, save_interval, threshold = plan
    save_points, _, count = states.shape
    flat = states.reshape(states.size)
    for begin in range(0, count, group):
        # The last group is moved back to end with the last sample; what it reduces again comes out the same.
        start = min(begin, count - group)
        u, w = lanes.load(flat, start, COLLECTED), lanes.load(flat, start + count, COLLECTED)
        seen = _first_seen(u, w)
        for point in range(1, save_points):
            place = 2 * point * count + start
            u, w = lanes.load(flat, place, COLLECTED), lanes.load(flat, place + count, COLLECTED)
            seen = _see(seen, u, w, threshold, point)
        _store_features(features, (first + start, size), seen, w, save_interval, (1, 1, 0))


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
