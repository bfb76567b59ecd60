"""The paper's Figure 3: error against the time of an evaluation, with classical methods as frontier."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from fhnbench import duration, figure_png, house_style, log_axis, log_limits, tick_error
from fhnbench_sweep.analysis.choice import frontier
from fhnbench_sweep.analysis.figures.marks import INK, MUTED, family_mark, panels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from fhnbench_sweep.analysis.record import Classical, FamilyAnalysis, ProblemAnalysis
    from fhnbench_sweep.analysis.study import Study
    from fhnbench_sweep.analysis.times import Times

_METHODS = "osv^<>ph8"
_FRONT: dict[str, Any] = {"color": MUTED, "linewidth": 2.5, "alpha": 0.5}


def errors_against_time(
    studies: Sequence[Study], analysed: Sequence[ProblemAnalysis], times: Mapping[str, Times]
) -> bytes:
    """Draw all networks of all families and the classical contenders, a panel for each problem that has times."""
    shown = [(study, one) for study, one in zip(studies, analysed, strict=True) if one.euler]
    families = list(dict.fromkeys(family for study, _ in shown for family in study.families))
    with house_style():
        figure, ((*axes,),) = panels(1, len(shown), 5.4, 5.6)
        for panel, (study, one) in zip(axes, shown, strict=True):
            _draw(panel, study, one, times[study.plan.problem], families)
        methods = list(dict.fromkeys(_method(one) for _, analysed_one in shown for one in analysed_one.classical))
        figure.legend(
            handles=_legend(families, methods), loc="outside upper left", ncols=min(4, 2 * len(axes)), fontsize=8
        )
        return figure_png(figure)


def _draw(axes: Axes, study: Study, analysed: ProblemAnalysis, times: Times, families: Sequence[str]) -> None:
    networks = study.main_networks
    known = [one.seconds for by_name in times.families.values() for one in by_name.values()]
    axes.set_xlim(*log_limits([*known, *(one.seconds for one in analysed.classical)]))
    axes.set_ylim(*log_limits([*networks["mae"], *(one.mae for one in analysed.classical)]))
    log_axis(axes, "x", duration)
    log_axis(axes, "y", tick_error)
    for of_family in analysed.families:
        colour, marker = family_mark(families, of_family.family)
        of = times.families.get(of_family.family, {})
        mine = networks[(networks["family"] == of_family.family) & networks["candidate"].isin(list(of))]
        for source, look in {
            "modelled": {"markerfacecolor": "none", "markersize": 3, "alpha": 0.45, "markeredgewidth": 0.7},
            "measured": {"markerfacecolor": colour, "markersize": 5.5, "markeredgewidth": 0.5, "markeredgecolor": "w"},
        }.items():
            there = mine[[of[name].source == source for name in mine["candidate"]]]
            seconds = [of[name].seconds for name in there["candidate"]]
            axes.plot(seconds, there["mae"], marker, color=colour, **look)  # type: ignore[arg-type]
        _draw_frontier(axes, of_family, colour)
    _draw_classical(axes, analysed)
    axes.set(
        title=f"Problem {analysed.problem}",
        xlabel=f"time for {analysed.size:,} samples, {analysed.threads} thread{'s' if analysed.threads != 1 else ''}",
        ylabel="MAE of u and w",
    )


def _draw_frontier(axes: Axes, family: FamilyAnalysis, colour: str) -> None:
    front = [one for one in family.frontier if one.seconds]
    axes.step([one.seconds or 0 for one in front], [one.test for one in front], where="post", color=colour, linewidth=1)
    for one in front:
        if one.repeats:
            bounds = min(one.repeats), max(one.repeats)
            axes.vlines(one.seconds or 0, *bounds, color=colour, linewidth=1.2)


def _draw_classical(axes: Axes, analysed: ProblemAnalysis) -> None:
    methods = list(dict.fromkeys(map(_method, analysed.classical)))
    for number, method in enumerate(methods):
        found = sorted((one for one in analysed.classical if _method(one) == method), key=lambda one: one.mae)
        axes.plot(
            [one.seconds for one in found],
            [one.mae for one in found],
            _METHODS[number % len(_METHODS)] + "-",
            color=INK,
            markersize=5,
            linewidth=0.8,
        )
    times, errors = ([getattr(one, name) for one in analysed.classical] for name in ("seconds", "mae"))
    front = frontier(times, errors)
    axes.step([times[place] for place in front], [errors[place] for place in front], where="post", **_FRONT)
    assert analysed.euler is not None
    axes.plot(analysed.euler.seconds, analysed.euler.mae, "*", color=INK, markersize=14, markeredgecolor="w")
    for line, value in ((axes.axvline, analysed.euler.seconds), (axes.axhline, analysed.euler.mae)):
        line(value, color=MUTED, linewidth=0.9, linestyle="--")


def _method(one: Classical) -> str:
    return one.contender.partition("[")[0]


def _legend(families: Sequence[str], methods: Sequence[str]) -> list[Line2D]:
    handles = []
    for family in families:
        colour, marker = family_mark(families, family)
        mark = partial(Line2D, [], [], linestyle="", marker=marker, color=colour)
        handles += [
            mark(markersize=5.5, label=f"{family}, time measured"),
            mark(markersize=4, markerfacecolor="none", label=f"{family}, time modelled"),
            Line2D([], [], color=colour, linewidth=1, label=f"{family}, chosen by validation; range over seeds"),
        ]
    handles += [
        Line2D([], [], color=INK, marker=_METHODS[number % len(_METHODS)], linewidth=0.8, markersize=5, label=method)
        for number, method in enumerate(methods)
    ]
    handles.append(Line2D([], [], **_FRONT, label="frontier of classical methods"))
    handles.append(
        Line2D(
            [], [], color=MUTED, marker="*", markerfacecolor=INK, markersize=12, linestyle="--", label="Euler, dt = 0.1"
        )
    )
    return handles
