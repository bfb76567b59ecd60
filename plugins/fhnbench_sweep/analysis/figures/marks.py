"""What all figures share: how families, classes and groups are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import seaborn as sns
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

INK, MUTED = "0.1", "0.45"

_COLOURS = sns.color_palette("colorblind").as_hex()
_MARKERS = "oD^svP*X"


def family_mark(families: Sequence[str], family: str) -> tuple[str, str]:
    """Return colour and marker of a family among all of the study."""
    place = families.index(family)
    return _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its panels, each of a size in inches."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, [list(row) for row in figure.subplots(rows, columns, squeeze=False)]
