"""The picture of a run: error against time with intervals in both directions, and the Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fhnbench.errors import FhnbenchError
from fhnbench.report.labels import Label, place_labels
from fhnbench.report.style import MUTED, figure_png, house_style, legend_of_methods, log_axis, log_limits, looks
from fhnbench.report.text import clip, duration, tick_error
from fhnbench.results.front import curves, pareto_front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fhnbench.report.style import Look
    from fhnbench.results.record import Row, RunRecord

LABELS_PER_INCH = 2.8
"""Most labels of a picture, by its width."""

FEW = 12
"""So many contenders are all named in the picture; of more, those on the front and the extremes are."""


def frontier_png(record: RunRecord) -> bytes:
    """Draw a run as a PNG."""
    return figure_png(frontier_figure(record))


def frontier_figure(record: RunRecord) -> Figure:
    """Draw a run: error against time, both with 95% intervals, on logarithmic scales, and the Pareto front.

    Parameters
    ----------
    record
        A run in which something ran; rows of features are left out.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own, which pyplot does not know; ``savefig`` writes it.

    Raises
    ------
    FhnbenchError
        If no contender ran.
    """
    if not (ran := [row for row in record.rows if row.accuracy]):
        raise FhnbenchError("no contender of the run ran, so there is nothing to draw")
    problem, machine = record.problem, record.environment.get("cpu") or "unknown CPU"
    title = (
        f"FitzHugh-Nagumo problem {problem.name}: {record.dataset.size:,} samples, {problem.save_points} save "
        f"points to t = {problem.horizon:g}\n{machine}, {record.settings.threads} threads, {record.created[:10]}"
    )
    with house_style():
        return draw_frontier(ran, (8.5, 5.5), title, halo=True)


def draw_frontier(rows: Sequence[Row], size: tuple[float, float], title: str = "", *, halo: bool = False) -> Figure:
    """Draw contenders that ran: error (MAE) against resident time, both with 95% intervals, on logarithmic scales.

    A thin line joins the configurations of one method; the group of a contender's mark in an SVG is named
    ``row:CONTENDER``.

    Parameters
    ----------
    rows
        Rows with a time and an error.
    size
        Width and height in inches.
    title
        Text above.
    halo
        See `place_labels`.
    """
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots()
    look = looks(rows)
    times = [time for row in rows if row.resident for time in (row.resident.low_s, row.resident.high_s)]
    errors = [bound for row in rows for bound in error_interval(row)]
    axes.set(xlim=log_limits(times), ylim=log_limits(errors))
    axes.margins(0)
    log_axis(axes, "x", duration)
    log_axis(axes, "y", tick_error)
    axes.set_ylabel("mean absolute error of u and w")
    axes.set_xlabel("time of an ensemble, inputs and outputs in place")
    axes.grid(which="minor", linewidth=0.3, alpha=0.6)
    for curve in curves(rows):
        axes.plot(
            [point.time_s for point in curve], [point.mae for point in curve], color=MUTED, linewidth=0.5, zorder=1
        )
    front = pareto_front(rows)
    front_line: dict[str, Any] = {"color": MUTED, "linewidth": 1.2, "linestyle": "--"}
    if front:  # times that no machine allows are not on it
        axes.step(*zip(*map(_point, front), strict=True), where="post", zorder=1, **front_line)
    for row in rows:
        _draw(axes, row, look[row.contender])
    legend_of_methods(figure, rows, look, Line2D([], [], **front_line, label="Pareto front"), title=title)
    place_labels(
        axes,
        [_label(row) for row in named(rows, front)[: int(size[0] * LABELS_PER_INCH)]],
        [_point(row) for row in rows],
        halo=halo,
    )
    return figure


def error_interval(row: Row) -> tuple[float, float]:
    """Return the 95% interval of a row's error; both ends are the error where the record has none."""
    assert row.accuracy is not None
    mae, low, high = row.accuracy.mae, row.accuracy.mae_low, row.accuracy.mae_high
    return (low or mae, high or mae)


def named(rows: Sequence[Row], front: Sequence[Row]) -> list[Row]:
    """Return the rows that are named in the picture, the most important first."""
    chosen = [*front[:1], *front[-1:], *pareto_front([row for row in rows if row.kind == "surrogate"])]
    for kind in ("solver", "surrogate"):
        of_kind = [row for row in rows if row.kind == kind]
        for axis in (0, 1):
            ordered = sorted(of_kind, key=lambda row, axis=axis: _point(row)[axis])  # type: ignore[misc]
            chosen += [*ordered[:1], *ordered[-1:]]
    chosen += front
    if len(rows) <= FEW:
        chosen += sorted(rows, key=_point)
    return list({row.contender: row for row in chosen}.values())


def _point(row: Row) -> tuple[float, float]:
    assert row.resident is not None
    assert row.accuracy is not None
    return row.resident.median_s, row.accuracy.mae


def _label(row: Row) -> Label:
    return Label(clip(row.contender), *_point(row))


def _draw(axes: Axes, row: Row, look: Look) -> None:
    assert row.resident is not None
    (x, y), (low, high) = _point(row), error_interval(row)
    spread = [[x - row.resident.low_s], [row.resident.high_s - x]], [[max(0.0, y - low)], [max(0.0, high - y)]]
    axes.errorbar(x, y, xerr=spread[0], yerr=spread[1], fmt="none", ecolor=look.colour, elinewidth=1, capsize=2.5)
    axes.plot(
        x,
        y,
        look.marker,
        color=look.colour,
        markersize=7,
        markerfacecolor=look.face,
        markeredgewidth=1.5,
        zorder=3,
        gid=f"row:{row.contender}",
    )
