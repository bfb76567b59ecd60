"""Names beside points of a picture, where they cover neither a point nor another name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from fhnbench.report.style import INK, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

FONT_SIZE = 8

_POINT = 7
"""Half the width of a point with its edge, in pixels at 100 dots an inch."""

# Directions and distances at which a label may stand from its point, nearest first; distances in points.
_DIRECTIONS = [(1, 0.7), (1, 0), (1, -0.7), (-1, 0.7), (-1, 0), (-1, -0.7), (0, 1.2), (0, -1.2)]
_PLACES = [(dx * r, dy * r) for r in (9, 16, 26, 38, 52, 70) for dx, dy in _DIRECTIONS]
_NEAR = 12


@dataclass(frozen=True)
class Label:
    """A text and the point that it names, in data coordinates."""

    text: str
    x: float
    y: float


def place_labels(
    axes: Axes, labels: Sequence[Label], obstacles: Sequence[tuple[float, float]], *, halo: bool = True
) -> list[Bbox]:
    """Write labels where they overlap nothing, with a line to points farther off; a label without room is left out.

    Parameters
    ----------
    axes
        With scales and limits set.
    labels
        The most important first.
    obstacles
        Points that no label may cover, in data coordinates.
    halo
        Whether letters have an edge of the paper's colour; in SVG that would make shapes of them.

    Returns
    -------
    list of Bbox
        The place of each label that was written, in pixels.
    """
    figure = axes.figure
    FigureCanvasAgg(figure)  # type: ignore[arg-type]
    figure.draw_without_rendering()  # type: ignore[union-attr]
    scale = figure.dpi / 72
    radius = _POINT * figure.dpi / 100
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in _pixels(axes, obstacles)]
    inside = axes.bbox
    written: list[Bbox] = []
    for label in labels:
        text = axes.annotate(
            label.text,
            (label.x, label.y),
            (0, 0),
            textcoords="offset points",
            fontsize=FONT_SIZE,
            color=INK,
            va="center",
            zorder=5,
            gid="label",
        )
        if halo:
            text.set_path_effects([withStroke(linewidth=3, foreground=PAPER)])
        size = text.get_window_extent()
        (x, y) = _pixels(axes, [(label.x, label.y)])[0]
        for dx, dy in _PLACES:
            box = _box(x + dx * scale, y + dy * scale, size.width, size.height, dx)
            fits = inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 and box.y1 < inside.y1
            if fits and not any(box.overlaps(other) for other in taken):
                break
        else:
            text.remove()
            continue
        text.set(position=(dx, dy), ha="left" if dx > 0 else "right" if dx < 0 else "center")
        if max(abs(dx), abs(dy)) > _NEAR:
            line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}
            axes.annotate("", (label.x, label.y), (dx, dy), textcoords="offset points", arrowprops=line, zorder=2)
        taken.append(box)
        written.append(box)
    return written


def _pixels(axes: Axes, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in axes.transData.transform(np.array(points).reshape(-1, 2))]


def _box(x: float, y: float, width: float, height: float, dx: float) -> Bbox:
    left = x if dx > 0 else x - width if dx < 0 else x - width / 2
    return Bbox.from_bounds(left, y - height / 2, width, height)
