"""Records over time, as tables and as a picture."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fhnbench.report.console import table
from fhnbench.report.markup import csv_table
from fhnbench.report.text import breakable, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from rich.console import RenderableType

    from fhnbench.results.history import Series

COLUMNS = ("contender", "measured", "revision", "time", "95% interval", "to the first")


def history_tables(found: Sequence[Series]) -> list[RenderableType]:
    """Return a table for each machine and question."""
    tables: list[RenderableType] = []
    for series in found:
        rows = table(
            [(column, "left" if column in {"contender", "measured", "revision"} else "right") for column in COLUMNS],
            title=f"{series.question}; {series.machine}",
        )
        for contender, points in series.points.items():
            for number, point in enumerate(points):
                change = point.time.median_s / points[0].time.median_s - 1
                cells = (
                    "" if number else breakable(contender),
                    f"{point.created:%Y-%m-%d %H:%M}",
                    point.revision,
                    duration(point.time.median_s),
                    f"{duration(point.time.low_s)} to {duration(point.time.high_s)}",
                    f"{change:+.1%}" if number else "",
                )
                rows.add_row(*map(Text, cells))
        tables.append(rows)
    return tables


def to_csv(found: Sequence[Series]) -> str:
    """Return all points as CSV: full precision, seconds."""
    columns = ["machine", "question", "contender", "created", "revision", "median_s", "low_s", "high_s"]
    lines = []
    for series in found:
        for contender, points in series.points.items():
            for point in points:
                time = point.time
                what = series.machine, series.question, contender, point.created.isoformat(), point.revision
                lines.append([*what, time.median_s, time.low_s, time.high_s])
    return csv_table(columns, lines)


def history_png(found: Sequence[Series]) -> bytes:
    """Draw medians with their 95% intervals over time, a panel for each machine and question."""
    from matplotlib.figure import Figure

    from fhnbench.report.style import figure_png, house_style, log_axis, log_limits

    dates: Any = importlib.import_module("matplotlib.dates")  # which has no types
    with house_style():
        figure = Figure(figsize=(8.5, 0.4 + 3.6 * len(found)), layout="constrained")
        panels: list[Axes] = list(figure.subplots(len(found), 1, squeeze=False)[:, 0])
        for axes, series in zip(panels, found, strict=True):
            _draw(axes, series)
            times = [point.time for points in series.points.values() for point in points]
            axes.set_ylim(*log_limits([time.low_s for time in times] + [time.high_s for time in times]))
            log_axis(axes, "y", duration)
            created = [point.created for points in series.points.values() for point in points]
            if min(created) == max(created):
                axes.set_xlim(min(created) - timedelta(days=1), max(created) + timedelta(days=1))  # type: ignore[arg-type]
            axes.xaxis.set_major_locator(locator := dates.AutoDateLocator(maxticks=8))
            axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
            axes.set(title=f"{series.question}\n{series.machine}", ylabel="time, inputs and outputs in place")
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
        panels[-1].set_xlabel("measured (UTC)")
        return figure_png(figure)


def _draw(axes: Axes, series: Series) -> None:
    from fhnbench.report.style import looks
    from fhnbench.report.text import clip

    rows = [points[-1].row for points in series.points.values()]
    styles = ("-", "--", "-.", ":")
    for number, (contender, look) in enumerate(looks(rows).items()):
        points = series.points[contender]
        medians = [point.time.median_s for point in points]
        axes.errorbar(
            [point.created for point in points],  # type: ignore[arg-type]
            medians,
            yerr=[
                [point.time.median_s - point.time.low_s for point in points],
                [point.time.high_s - point.time.median_s for point in points],
            ],
            marker=look.marker,
            color=look.colour,
            markerfacecolor=look.face,
            linestyle=styles[number % len(styles)],
            linewidth=1,
            capsize=2,
            label=clip(contender),
        )
