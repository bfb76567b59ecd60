"""The style that all pictures share: seaborn's white grid and a palette that colour-blind readers can tell apart."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

COLOURS: list[Any] = sns.color_palette("colorblind")
MARKERS = "osD^v"

DPI = 150


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure of a size in inches in the house style; it is laid out when it is saved."""
    with mpl.rc_context({**sns.axes_style("whitegrid"), "font.size": 10, "axes.titlesize": 10}):
        yield Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def png(figure: Figure) -> bytes:
    """Return a figure as PNG; call it while `drawing` lasts."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
