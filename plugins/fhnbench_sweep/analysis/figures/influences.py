"""What predicts the error: properties, and the levels of those that have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator

from fhnbench import figure_png, house_style
from fhnbench_sweep.analysis.figures.marks import MUTED, family_mark, panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fhnbench_sweep.analysis.record import Bounded, ProblemAnalysis

_FACTORS = [2.0 ** (half / 2) for half in range(-24, 25)]


def influences(analysed: Sequence[ProblemAnalysis]) -> bytes:
    """Draw the importance of each property and the factor of each class and activation, a column for each problem."""
    families = list(dict.fromkeys(family.family for one in analysed for family in one.families))
    with house_style():
        figure, (above, below) = panels(2, len(analysed), 4.6, 3.4)
        for axes, under, problem in zip(above, below, analysed, strict=True):
            found = {one.family: one.predictors for one in problem.families if one.predictors}
            importances = {name: {one.property: one.loss for one in of.importances} for name, of in found.items()}
            _draw(axes, importances, families)
            axes.axvline(0, color=MUTED, linewidth=0.8)
            predicted = ", ".join(f"{name} {of.predicted:.0%}" for name, of in found.items())
            axes.set_title(f"Problem {problem.problem}; predicted: {predicted}", fontsize=9)
            axes.set_xlabel("part of the variance of log MAE", fontsize=8)
            levels = {name: {one.level: one.factor for one in of.levels} for name, of in found.items()}
            under.set_xscale("log", base=2, subs=[])
            _draw(under, levels, families)
            under.axvline(1, color=MUTED, linewidth=0.8)
            under.xaxis.set_major_locator(FixedLocator(_FACTORS))
            under.xaxis.set_major_formatter("{x:.2g}")
            under.set_xlabel("factor on the error, all else equal", fontsize=8)
        above[0].legend(loc="lower right", fontsize=8, frameon=True)
        return figure_png(figure)


def _draw(axes: Axes, values: dict[str, dict[str, Bounded]], families: Sequence[str]) -> None:
    names = list(dict.fromkeys(name for of_family in values.values() for name in of_family))
    for family, found in values.items():
        colour, marker = family_mark(families, family)
        shift = 0.22 * (list(values).index(family) - (len(values) - 1) / 2)
        places = np.array([names.index(name) for name in found]) + shift
        middle = [one.value for one in found.values()]
        spread = [[one.value - one.low for one in found.values()], [one.high - one.value for one in found.values()]]
        axes.errorbar(middle, places, xerr=spread, fmt=marker, color=colour, markersize=5, capsize=2, label=family)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
