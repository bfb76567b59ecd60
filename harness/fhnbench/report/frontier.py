"""The picture of a run: error against time, with the Pareto front.

Solvers and surrogates differ by marker, fill and colour, so the picture reads without colour too.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from fhnbench.results.front import pareto_front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fhnbench.results.record import Row, RunRecord

_COLOURS = sns.color_palette("colorblind")


@dataclass(frozen=True)
class _Style:
    label: str
    marker: str
    colour: Any
    filled: bool


_STYLES = {
    "solver": _Style("classical solver", "o", _COLOURS[0], filled=True),
    "surrogate": _Style("neural surrogate", "D", _COLOURS[1], filled=False),
}

# Where a label may stand beside its point, in points, nearest first.
_PLACES = [
    (dx * r, dy * r)
    for r in (8, 14, 22, 32)
    for dx, dy in ((1, 1), (1, 0), (1, -1), (-1, 1), (-1, -1), (0, 1.4), (0, -1.4), (-1, 0))
]


def frontier_png(record: RunRecord) -> bytes:
    """Draw the contenders that ran, error (MAE) against resident time with its 95% interval, both on log scales."""
    rows = [row for row in record.rows if row.status == "ran"]
    problem, dataset = record.problem, record.dataset
    with mpl.rc_context({**sns.axes_style("whitegrid"), "font.size": 10}):
        figure = Figure(figsize=(8.5, 5.5), dpi=150, layout="constrained")
        axes = figure.subplots()
        for kind, style in _STYLES.items():
            _draw(axes, [row for row in rows if row.kind == kind], style)
        front = pareto_front(rows)
        xs, ys = zip(*[_point(row) for row in front], strict=True)
        axes.step(xs, ys, where="post", color="0.35", linewidth=1, linestyle="--", zorder=1, label="Pareto front")
        axes.set(xscale="log", yscale="log", ylabel="mean absolute error over u and w (dimensionless)")
        axes.set_xlabel(
            f"time for {dataset.size:,} samples, inputs and outputs in place (seconds, median and 95% interval)"
        )
        axes.set_title(
            f"FitzHugh-Nagumo problem {problem.name}: {problem.save_points} save points to t = {problem.horizon:g}\n"
            f"{record.environment['cpu'] or 'unknown CPU'}, {record.settings.threads} threads, {record.created[:10]}",
            fontsize=10,
        )
        axes.grid(which="minor", linewidth=0.4, alpha=0.6)
        axes.margins(0.12)
        axes.legend(loc="best")
        _label(figure, axes, rows)
        content = io.BytesIO()
        figure.savefig(content, format="png")
    return content.getvalue()


def _point(row: Row) -> tuple[float, float]:
    assert row.resident is not None
    assert row.accuracy is not None
    return row.resident.median_s, row.accuracy.mae


def _draw(axes: Axes, rows: Sequence[Row], style: _Style) -> None:
    if not rows:
        return
    xs, ys = zip(*[_point(row) for row in rows], strict=True)
    intervals = [row.resident for row in rows if row.resident]
    spread = [[i.median_s - i.low_s for i in intervals], [i.high_s - i.median_s for i in intervals]]
    axes.errorbar(
        xs,
        ys,
        xerr=spread,
        fmt=style.marker,
        color=style.colour,
        markersize=7,
        markerfacecolor=style.colour if style.filled else "white",
        markeredgewidth=1.5,
        capsize=3,
        label=style.label,
        zorder=3,
    )


def _label(figure: Figure, axes: Axes, rows: Sequence[Row]) -> None:
    """Write each contender's name where it covers neither a point nor another name, as far as that can be had."""
    figure.draw_without_rendering()
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in axes.transData.transform([_point(row) for row in rows])]
    for row in sorted(rows, key=_point):
        text = axes.annotate(row.contender, _point(row), (0, 0), textcoords="offset points", fontsize=8, zorder=4)
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])
        boxes = []
        for dx, dy in _PLACES:
            text.set_position((dx, dy))
            text.set(ha="left" if dx > 0 else "right" if dx < 0 else "center", va="center")
            box = text.get_window_extent()
            inside = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
            overlap = sum(box.overlaps(other) for other in taken) + (not inside) * 3
            boxes.append((overlap, (dx, dy), box))
            if not overlap:
                break
        _, (dx, dy), box = min(boxes, key=lambda entry: entry[0])
        text.set_position((dx, dy))
        text.set(ha="left" if dx > 0 else "right" if dx < 0 else "center", va="center")
        taken.append(box)
