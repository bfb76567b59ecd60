"""How pictures look: colours, markers, scales and type, the same in PNG files and in the HTML report.

Solvers and surrogates differ by colour and by fill, methods by marker, so a picture reads without colour too. Each
colour has one meaning and occurs nowhere else: `fhnbench.report.svg` exchanges them by name for those of a theme.
"""

from __future__ import annotations

import contextlib
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fhnbench.report.text import clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fhnbench.results.record import Row

INK, MUTED, GRID, PAPER = "#1f2329", "#5b6470", "#d5dae1", "#fffffe"
_CLASSICAL, _NEURAL = (colour.lower() for colour in sns.color_palette("colorblind").as_hex()[:2])
COLOURS = {"solver": _CLASSICAL, "surrogate": _NEURAL}
SPANS = {"upload": "#56b4e9", "compute": "#029e73", "download": "#cc78bc"}
THEME = {"ink": INK, "muted": MUTED, "grid": GRID, "paper": PAPER, **COLOURS, **SPANS}
"""Every colour that a theme exchanges, by name."""

_MARKERS = {"solver": "os^v<>ph8", "surrogate": "DPXd*H"}
_NARROW_DECADES = 2.2


class Look(NamedTuple):
    """How a contender is drawn."""

    marker: str
    colour: str
    face: str


def looks(rows: Iterable[Row]) -> dict[str, Look]:
    """Return the look of each contender by its name: one marker for all that differ in options only."""
    found: dict[str, Look] = {}
    names: dict[str, list[str]] = {kind: [] for kind in COLOURS}
    for row in rows:
        known, name = names[row.kind], group_of(row)
        if name not in known:
            known.append(name)
        markers, colour = _MARKERS[row.kind], COLOURS[row.kind]
        marker = markers[known.index(name) % len(markers)]
        found[row.contender] = Look(marker, colour, colour if row.kind == "solver" else PAPER)
    return found


def group_of(row: Row) -> str:
    """Return the part of a contender's name before its options."""
    return row.contender.partition("[")[0]


@contextlib.contextmanager
def house_style(**changes: Any) -> Iterator[None]:
    """Draw in the house style while the context lasts."""
    ours: dict[Any, Any] = {
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # names of contenders are text, whatever they hold
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.facecolor": PAPER,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "figure.facecolor": PAPER,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "legend.frameon": False,
    }
    ours.update(changes)
    with sns.axes_style("whitegrid"), mpl.rc_context(ours):
        yield


def figure_png(figure: Figure) -> bytes:
    """Return a figure as PNG; call it while `house_style` lasts."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def log_axis(axes: Axes, which: str, label: Callable[[float], str]) -> None:
    """Make an axis logarithmic, with ticks at decades, or at 1, 2 and 5 where it spans few; limits must be set."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    narrow = math.log10(high / low) < _NARROW_DECADES
    steps = (1, 2, 5) if narrow else (1,)
    axis.set_major_locator(FixedLocator([t for d in decades for s in steps if low <= (t := s * 10.0**d) <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: label(value)))
    axis.set_minor_formatter(NullFormatter())


def log_limits(values: Iterable[float], margin: float = 0.08) -> tuple[float, float]:
    """Return limits of a logarithmic axis around positive values, with a margin on both sides."""
    logs = [math.log10(value) for value in values if value > 0] or [0.0]
    low, high = min(logs), max(logs)
    space = margin * (high - low) + 0.1
    return 10 ** (low - space), 10 ** (high + space)


def legend_of_methods(
    figure: Figure, rows: Iterable[Row], look: Mapping[str, Look], *more: Line2D, title: str = ""
) -> None:
    """Name the mark of each method above a picture, in as many columns as fit."""
    groups = {group_of(row): look[row.contender] for row in rows}
    handles = [
        Line2D(
            [], [], linestyle="", marker=of.marker, color=of.colour, markerfacecolor=of.face, markeredgewidth=1.3,
            label=clip(name),
        )
        for name, of in groups.items()
    ]  # fmt: skip
    figure.legend(
        handles=[*handles, *more], loc="outside upper left", ncols=max(2, int(figure.get_figwidth() / 1.35)),
        fontsize=8, title=title or None, title_fontsize=9.5, alignment="left", columnspacing=1.2, handletextpad=0.3,
    )  # fmt: skip
