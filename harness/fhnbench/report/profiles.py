"""Pictures of where contenders fail: error over time, over the applied current and over the initial state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from fhnbench.error_profile import BINS
from fhnbench.report.style import legend_of_methods, log_axis, log_limits, looks
from fhnbench.report.text import clip, error, tick_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench.error_profile import ErrorProfile, ErrorStatistics
    from fhnbench.problem import Problem
    from fhnbench.results.record import Row

_MAP_WIDTH, _MAP_HEIGHT = 1.4, 1.1


def profile_of(row: Row) -> ErrorProfile | None:
    """Return where a row's errors lie, if its record tells."""
    return row.accuracy.profile if row.accuracy else None


def draw_over_time(rows: Sequence[Row], problem: Problem, statistic: str, size: tuple[float, float]) -> Figure:
    """Draw a statistic (``mae`` or ``p999``) over time, a line for each row with a profile."""
    values = [(row, getattr(profile.time, statistic)) for row in rows if (profile := profile_of(row))]
    return _draw_lines(values, problem.times, "time (time units)", statistic, size)


def draw_over_current(rows: Sequence[Row], problem: Problem, statistic: str, size: tuple[float, float]) -> Figure:
    """Draw a statistic over the applied current, for rows that tell."""
    edges = np.linspace(*problem.i_app, BINS + 1)
    values = [(row, getattr(of.current, statistic)) for row in rows if (of := profile_of(row)) and of.current]
    return _draw_lines(values, (edges[1:] + edges[:-1]) / 2, "applied current I", statistic, size)


def draw_over_initial_state(rows: Sequence[Row], problem: Problem, columns: int) -> Figure:
    """Draw maps of the MAE over (u0, w0), one for each row that tells, on one logarithmic scale of colours."""
    maps = [(row, initial_map(of.initial_state)) for row in rows if (of := profile_of(row)) and of.initial_state]
    lines = math.ceil(len(maps) / columns)
    width, height = columns * _MAP_WIDTH + 0.7, lines * _MAP_HEIGHT + 1.2
    figure = Figure(figsize=(width, height), dpi=100)
    figure.subplots_adjust(  # a layout engine would take seconds for so many axes
        left=0.6 / width, right=1 - 0.1 / width, bottom=0.45 / height, top=1 - 0.95 / height, wspace=0.15, hspace=0.6
    )
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    positive = np.concatenate([values[np.isfinite(values) & (values > 0)] for _, values in maps])
    norm = LogNorm(positive.min(), max(positive.max(), positive.min() * 1.01)) if positive.size else None
    image: Any = None
    for axes in grid.flat[len(maps) :]:
        axes.set_axis_off()
    for axes, (row, values) in zip(grid.flat, maps, strict=False):
        axes.grid(visible=False)
        image = axes.imshow(
            values.T, origin="lower", extent=(*problem.u0, *problem.w0), aspect="auto", norm=norm, cmap="viridis",
            interpolation="none", gid=f"row:{row.contender}",
        )  # fmt: skip
        axes.set_title(_short(row.contender), fontsize=7.5)
        axes.tick_params(labelsize=7)
    figure.supxlabel("u0", fontsize=9, y=0.06 / height)
    figure.supylabel("w0", fontsize=9, x=0.06 / width)
    place = figure.add_axes((0.2, 1 - 0.36 / height, 0.6, 0.1 / height))
    bar = figure.colorbar(image, cax=place, orientation="horizontal", ticklocation="top")
    ticks = [tick for d in range(-16, 3) if positive.size and positive.min() <= (tick := 10.0**d) <= positive.max()]
    bar.set_ticks(ticks, labels=[tick_error(tick) for tick in ticks], fontsize=7)
    bar.minorticks_off()
    bar.outline.set_visible(False)
    return figure


def initial_map(of: ErrorStatistics) -> NDArray[np.float64]:
    """Return the MAE over (u0, w0), ``[u0, w0]``; NaN where there are no samples."""
    return np.array(of.mae, dtype=np.float64).reshape(BINS, BINS)


FAILURE_COLUMNS = ("contender", "MAE", "worst time", "worst initial state", "worst current")


def where_it_fails(row: Row, problem: Problem) -> tuple[str, ...]:
    """Return in words where the error of a row with a profile is largest, in the order of `FAILURE_COLUMNS`.

    Beside each place stands its error as a multiple of the mean; what does not vary has no place.
    """
    profile = profile_of(row)
    assert profile is not None
    assert row.accuracy is not None
    mae = row.accuracy.mae
    latest = int(np.argmax(np.array(profile.time.mae, float)))
    time, state, current = f"t = {problem.times[latest]:g} ({_factor(profile.time.mae[latest], mae)})", "", ""
    if profile.initial_state:
        values = initial_map(profile.initial_state)
        cell = np.unravel_index(np.nanargmax(values), values.shape)
        u, w = (_bin(r, int(c)) for r, c in zip((problem.u0, problem.w0), cell, strict=True))
        state = f"u0 in {u}, w0 in {w} ({_factor(values[cell], mae)})"
    if profile.current:
        currents = np.array(profile.current.mae, float)
        worst = int(np.nanargmax(currents))
        current = f"I in {_bin(problem.i_app, worst)} ({_factor(currents[worst], mae)})"
    return row.contender, error(mae), time, state, current


def _factor(value: float | None, mean: float) -> str:
    return f"{(value or 0.0) / mean:.2g}x" if mean else "no error"


def _bin(range_: tuple[float, float], number: int) -> str:
    low, high = range_
    width = (high - low) / BINS
    return f"[{low + number * width:g}, {low + (number + 1) * width:g}]"


def _draw_lines(
    values: Sequence[tuple[Row, Sequence[float | None]]], xs: Any, label: str, statistic: str, size: tuple[float, float]
) -> Figure:
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots()
    look = looks([row for row, _ in values])
    axes.set(xlim=(xs[0], xs[-1]), xlabel=label)
    axes.set_ylabel("mean absolute error" if statistic == "mae" else "99.9th percentile of the error")
    axes.set_ylim(log_limits([value for _, line in values for value in line if value]))
    log_axis(axes, "y", tick_error)
    for row, line in values:
        ys = np.array([value or np.nan for value in line], dtype=np.float64)
        style = look[row.contender]
        axes.plot(
            xs, ys, color=style.colour, linewidth=1.2, marker=style.marker, markersize=3.5,
            markerfacecolor=style.face, markevery=max(1, len(xs) // 8), gid=f"row:{row.contender}",
            linestyle="-" if row.kind == "solver" else "--",
        )  # fmt: skip
    legend_of_methods(figure, [row for row, _ in values], look)
    return figure


def _short(contender: str) -> str:
    name, bracket, options = contender.partition("[")
    return clip(name, 22) + ("\n" + clip(bracket + options, 22) if bracket else "")
