"""Pictures of what is assumed and what is chosen: residuals of the analyses of variance, and selection bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from scipy import stats

from fhnbench import figure_png, house_style, log_axis, log_limits, tick_error
from fhnbench_sweep.analysis.figures.marks import INK, MUTED, family_mark, panels
from fhnbench_sweep.analysis.variation import residuals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_sweep.analysis.record import ProblemAnalysis
    from fhnbench_sweep.analysis.study import Study

_GROUPS = [(group, scale) for scale in ("log", "plain") for group in ("small", "large")]


def residuals_against_normal(studies: Sequence[Study]) -> bytes:
    """Draw quantiles of residuals against normal ones: a row for each problem, small and large, log and plain."""
    families = list(dict.fromkeys(family for study in studies for family in study.families))
    with house_style():
        figure, rows = panels(len(studies), len(_GROUPS), 2.9, 2.8)
        for study, row in zip(studies, rows, strict=True):
            networks = study.main_networks
            for axes, (group, scale) in zip(row, _GROUPS, strict=True):
                for family in study.families:
                    mine = networks[(networks["family"] == family) & (networks["group"] == group)]
                    left = residuals(mine, scale) if len(mine) > 20 else None  # type: ignore[arg-type]  # of _GROUPS
                    if left is not None:
                        colour, marker = family_mark(families, family)
                        (normal, ordered), _ = stats.probplot(left)
                        axes.plot(normal, ordered, marker, color=colour, markersize=2.5, alpha=0.6)
                axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.9)
                axes.set_title(f"{study.plan.problem}, {group}, {'log MAE' if scale == 'log' else 'MAE'}", fontsize=9)
            row[0].set_ylabel("residual / st. dev.", fontsize=8)
        handles = [
            Line2D([], [], linestyle="", marker=marker, color=colour, label=family)
            for family in families
            for colour, marker in [family_mark(families, family)]
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=9)
        for axes in rows[-1]:
            axes.set_xlabel("normal quantile", fontsize=8)
        return figure_png(figure)


def validation_against_test(studies: Sequence[Study], analysed: Sequence[ProblemAnalysis]) -> bytes:
    """Draw test over validation error of all networks, those that were chosen, and other seeds of the chosen."""
    families = list(dict.fromkeys(family for study in studies for family in study.families))
    with house_style():
        figure, ((*row,),) = panels(1, len(studies), 4.8, 4.4)
        for axes, study, problem in zip(row, studies, analysed, strict=True):
            networks = study.main_networks
            axes.set_xlim(*log_limits(networks["validation"]))
            log_axis(axes, "x", tick_error)
            for family in problem.families:
                colour, marker = family_mark(families, family.family)
                mine = networks[networks["family"] == family.family]
                ratio = mine["mae"] / mine["validation"]
                axes.plot(
                    mine["validation"], ratio, marker, color=colour, markersize=3, alpha=0.35, markeredgewidth=0,
                    label=f"{family.family}: all",
                )  # fmt: skip
                axes.plot(
                    [one.validation for one in family.frontier],
                    [one.test / one.validation for one in family.frontier],
                    marker, color=colour, markersize=7, markeredgecolor=INK, label=f"{family.family}: chosen",
                )  # fmt: skip
                for number, one in enumerate(one for one in family.frontier if one.repeats):
                    others = np.array(one.repeats) / one.validation
                    axes.plot(
                        [one.validation] * len(others), others, "_", color=colour, markersize=8, markeredgewidth=1.5,
                        label=f"{family.family}: its other seeds" if number == 0 else None,
                    )  # fmt: skip
            axes.set_yscale("log", base=2)
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 0.5), max(high, 2))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.axhline(1, color=MUTED, linewidth=0.9)
            axes.set(title=f"Problem {study.plan.problem}", xlabel="validation MAE", ylabel="test MAE / validation MAE")
            axes.legend(fontsize=7, frameon=True)
        return figure_png(figure)
