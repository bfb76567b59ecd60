"""The paper's Figure 2: errors by class and number of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.lines import Line2D

from fhnbench import figure_png, house_style, log_axis, log_limits, tick_error
from fhnbench_sweep.analysis.figures.marks import INK, panels
from fhnbench_sweep.shapes import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from fhnbench_sweep.analysis.study import Study

_MARKERS = "sDvXo^"
_WIDTH = 0.8


def errors_by_class(studies: Sequence[Study], family: str) -> bytes:
    """Draw the test errors of one family's networks: a row for each problem, a group for each bin of sizes.

    A problem without such networks is left out. In a group a column of points for each class, with its median as a bar.
    """
    studies = [study for study in studies if (study.main_networks["family"] == family).any()]
    with house_style():
        figure, rows = panels(len(studies), 1, 11, 3.6)
        for study, (axes,) in zip(studies, rows, strict=True):
            networks = study.main_networks
            _draw(axes, study, networks[networks["family"] == family])
            axes.set_title(f"Problem {study.plan.problem}, {family}")
        rows[-1][0].set_xlabel("neurons of all hidden layers")
        handles = [
            Line2D([], [], linestyle="", marker=marker, color=colour, label=name)
            for name, marker, colour in zip(NAMES, _MARKERS, sns.color_palette("colorblind"), strict=False)
        ]
        handles.append(Line2D([], [], color=INK, linewidth=2, label="median"))
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=9)
        return figure_png(figure)


def _draw(axes: Axes, study: Study, networks: pd.DataFrame) -> None:
    bins = study.plan.space.size_bins
    axes.set_xlim(-0.5, len(bins) - 0.5)
    axes.set_ylim(*log_limits(networks["mae"]))
    log_axis(axes, "y", tick_error)
    axes.grid(visible=False, axis="x")
    for edge in np.arange(0.5, len(bins) - 1):
        axes.axvline(edge, color="0.8", linewidth=0.8)
    step = _WIDTH / len(NAMES)
    chance = np.random.default_rng(0)
    for place, (shape, marker, colour) in enumerate(
        zip(NAMES, _MARKERS, sns.color_palette("colorblind"), strict=False)
    ):
        for index in range(len(bins)):
            errors = networks.loc[(networks["shape"] == shape) & (networks["size"] == index), "mae"]
            if errors.empty:
                continue
            middle = index + (place - (len(NAMES) - 1) / 2) * step
            scatter = middle + chance.uniform(-0.3, 0.3, len(errors)) * step
            axes.plot(scatter, errors, marker, color=colour, markersize=3.6, alpha=0.65, markeredgewidth=0)
            axes.hlines(errors.median(), middle - 0.42 * step, middle + 0.42 * step, color=INK, linewidth=2)
    axes.set_xticks(range(len(bins)), [f"{low} to {high}" for low, high in bins])
    axes.set_ylabel("MAE of u and w (test)")
