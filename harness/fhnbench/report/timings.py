"""Pictures of times: what an ensemble's time is made of, and all raw blocks in the order of measuring."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fhnbench.report.style import COLOURS, INK, MUTED, SPANS, log_axis, log_limits
from fhnbench.report.text import clip, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fhnbench.results.record import Row

_LINE = 0.27
"""Height of a row in inches."""

_CLIP = 3.0
"""Blocks beyond this many times the median, or its inverse, are drawn at the edge."""

# Marks of blocks, by whether they were disturbed.
_DOTS: dict[bool, dict[str, Any]] = {
    False: {"marker": "o", "markersize": 2.6, "markeredgewidth": 0},
    True: {"marker": "x", "markersize": 4, "markeredgewidth": 1},
}


def spans_of(row: Row) -> dict[str, float]:
    """Return the median time of each span, in seconds."""
    return {name: median(getattr(block, f"{name}_s") for block in row.blocks) for name in SPANS}


def draw_spans(rows: Sequence[Row], width: float) -> Figure:
    """Draw upload, compute and download as shares of the end-to-end time, and its amount beside."""
    figure, axes = _rows(rows, width)
    for y, row in enumerate(rows):
        spans = spans_of(row)
        total, left = sum(spans.values()), 0.0
        for name, value in spans.items():
            share = value / total if total else 0.0
            axes.barh(y, share, left=left, height=0.66, color=SPANS[name], linewidth=0, gid=f"row:{row.contender}",
                      label=name if y == 0 else None)  # fmt: skip
            left += share
        axes.text(
            1.015, y, duration(row.end_to_end.median_s if row.end_to_end else total), va="center", fontsize=8, color=INK
        )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(visible=False)
    figure.legend(loc="outside upper left", ncols=3, fontsize=8)
    return figure


def draw_prepare(rows: Sequence[Row], width: float) -> Figure:
    """Draw the time to prepare each row, on a logarithmic scale."""
    figure, axes = _rows(rows, width)
    times = [row.prepare_s or 0.0 for row in rows]
    axes.set_xlim(log_limits(times))
    log_axis(axes, "x", duration)
    low = axes.get_xlim()[0]
    for y, (row, time) in enumerate(zip(rows, times, strict=True)):
        axes.barh(y, max(0.0, time - low), left=low, height=0.66, color=COLOURS[row.kind], linewidth=0,
                  gid=f"row:{row.contender}")  # fmt: skip
    axes.grid(visible=False, axis="y")
    return figure


def draw_rounds(rows: Sequence[Row], width: float) -> Figure:
    """Draw each block's time relative to the contender's median, over the time of measuring; crosses were disturbed."""
    figure, axes = _rows(rows, width)
    for y, row in enumerate(rows):
        assert row.resident is not None
        axes.axhline(y, color=MUTED, linewidth=0.5, zorder=0)
        for disturbed, style in _DOTS.items():
            blocks = [block for block in row.blocks if bool(block.disturbed) == disturbed]
            logs = [math.log(block.compute_s / row.resident.median_s, _CLIP) for block in blocks if block.compute_s > 0]
            heights = [y - 0.45 * min(max(log, -1.0), 1.0) for log in logs]
            starts = [block.started_s for block in blocks if block.compute_s > 0]
            colour = MUTED if disturbed else COLOURS[row.kind]
            axes.plot(starts, heights, color=colour, gid=f"row:{row.contender}", linestyle="", **style)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("seconds since the first round began")
    return figure


def _rows(rows: Sequence[Row], width: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, _LINE * len(rows) + 0.75), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(rows)), labels=[clip(row.contender) for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    return figure, axes
