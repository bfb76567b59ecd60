"""The HTML report: one self-contained file.

Its pictures are Matplotlib's, as SVG in the page, with a script of a hundred lines for hovering, highlighting and
sorting. Against Plotly (4.8 MB of JavaScript in each file), Bokeh (1.3 MB, on a canvas) and Vega-Altair (0.8 MB of
JavaScript by way of a 33 MB package): the pictures are drawn by the code that draws the PNG, so that both say the
same; a file of a dozen contenders is a few hundred kB, reads without JavaScript, prints as vectors, stays sharp when a
phone zooms in, and takes the theme's colours from CSS. The base install has all it needs.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jinja2
import msgspec
from markupsafe import Markup, escape

import fhnbench
from fhnbench.report.frontier import draw_frontier, error_interval
from fhnbench.report.profiles import (
    FAILURE_COLUMNS,
    draw_over_current,
    draw_over_initial_state,
    draw_over_time,
    profile_of,
    where_it_fails,
)
from fhnbench.report.result import ERRORS, Result, figure, result_of
from fhnbench.report.style import house_style
from fhnbench.report.svg import SVG_STYLE, inline_svg
from fhnbench.report.text import duration, error, listed
from fhnbench.report.timings import draw_prepare, draw_rounds, draw_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.figure import Figure

    from fhnbench.results.record import Row, RunRecord

_WIDE, _HALF, _PHONE = 9.2, 4.8, 4.3
"""Widths in inches: of a picture across the page, in one of two columns, and for a phone."""

_MOST = 12
"""Drawings of a run, those for a phone included."""


@dataclass(frozen=True)
class Picture:
    """A picture with its caption; `narrow` is the same for a phone, where it is drawn twice."""

    caption: str
    svg: Markup
    narrow: Markup | None = None


@dataclass(frozen=True)
class Section:
    """A run in the report."""

    id: str
    name: str
    result: Result
    frontier: tuple[Picture, ...]
    failures: tuple[Picture, ...]
    timings: tuple[Picture, ...]
    fails: tuple[tuple[str, ...], ...]


def html_report(
    runs: Sequence[tuple[str, RunRecord]], progress: Callable[[float], object] = lambda _fraction: None
) -> str:
    """Return the report of one or more runs, each given with its name, as the text of an HTML file.

    `progress` is called with the fraction that is done.
    """
    sections = [
        _section(number, name, record, lambda done, before=number: progress((before + done) / len(runs)))  # type: ignore[misc]
        for number, (name, record) in enumerate(runs)
    ]
    script, style = _resource("report.js"), _resource("report.css")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fhnbench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=duration,
        error=error,
        facts=_facts,
        settings=_settings,
        unbroken=_unbroken,
        audits=_audits,
    )
    return environment.get_template("report.html.j2").render(
        sections=sections,
        failure_columns=FAILURE_COLUMNS,
        version=fhnbench.__version__,
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _resource(name: str) -> str:
    return importlib.resources.files("fhnbench.report").joinpath("templates", name).read_text("utf-8")


def _section(number: int, name: str, record: RunRecord, progress: Callable[[float], object]) -> Section:
    result = result_of(record)
    ran = [line.row for line in result.lines if line.row.status == "ran"]
    rows = [row for row in ran if row.accuracy]
    fails = tuple(where_it_fails(row, record.problem) for row in rows if profile_of(row))
    draw = _Artist(f"run-{number + 1}", {row.contender: _tip(row) for row in ran}, progress)
    with house_style(**SVG_STYLE):
        return Section(
            f"run-{number + 1}",
            name,
            result,
            tuple(_frontier(rows, draw)),
            tuple(_failures(rows, record, draw)),
            tuple(_timings(ran, draw)),
            fails,
        )


class _Artist:
    """Makes pictures of a section; their ids are unique in the page."""

    def __init__(self, section: str, tips: dict[str, str], progress: Callable[[float], object]) -> None:
        self._section = section
        self._tips = tips
        self._progress = progress
        self._count = 0

    def __call__(self, caption: str, figure: Figure, narrow: Figure | None = None) -> Picture:
        return Picture(caption, self._svg(caption, figure), self._svg(caption, narrow) if narrow else None)

    def _svg(self, caption: str, figure: Figure) -> Markup:
        self._count += 1
        self._progress(min(1.0, self._count / _MOST))
        svg = inline_svg(figure, f"{self._section}-{self._count}", caption, self._tips)
        return Markup(svg)


def _frontier(rows: Sequence[Row], draw: _Artist) -> Iterator[Picture]:
    if rows:
        caption = (
            "Error against time of an ensemble, both with 95% intervals; down and left is better. Filled: classical "
            "solvers; hollow: neural surrogates. A thin line joins the configurations of a method."
        )
        yield draw(caption, draw_frontier(rows, (_WIDE, 5.2)), draw_frontier(rows, (_PHONE, 5.0)))


def _failures(rows: Sequence[Row], record: RunRecord, draw: _Artist) -> Iterator[Picture]:
    told = [row for row in rows if profile_of(row)]
    problem = record.problem
    if not told:
        return
    size = (_HALF, 3.6)
    yield draw("Mean error over time.", draw_over_time(told, problem, "mae", size))
    yield draw("99.9th percentile of the error over time.", draw_over_time(told, problem, "p999", size))
    if any(profile.current for row in told if (profile := profile_of(row))):
        yield draw("Mean error over the applied current.", draw_over_current(told, problem, "mae", size))
        yield draw("99.9th percentile over the applied current.", draw_over_current(told, problem, "p999", size))
    if any(profile.initial_state for row in told if (profile := profile_of(row))):
        caption = "Mean error over the initial state (u0, w0), on one scale of colours; empty cells had no samples."
        yield draw(caption, draw_over_initial_state(told, problem, 6), draw_over_initial_state(told, problem, 3))


def _timings(rows: Sequence[Row], draw: _Artist) -> Iterator[Picture]:
    timed = [row for row in rows if row.blocks and row.resident]
    if timed:
        yield draw("What the end-to-end time is made of; its median on the right.", draw_spans(timed, _HALF))
        yield draw("Time to prepare: import, compilation, loading, allocation.", draw_prepare(timed, _HALF))
        caption = (
            "Every timed block, as a multiple of its contender's median (the line), in the order of measuring; strips "
            "end at a third and at three times the median. A trend is drift; crosses are disturbed blocks."
        )
        yield draw(caption, draw_rounds(timed, _WIDE), draw_rounds(timed, _PHONE))


def _tip(row: Row) -> str:
    """Return what hovering over a mark shows."""
    assert row.resident is not None
    lines = [
        row.contender,
        _errors(row),
        f"{duration(row.resident.median_s)} [{duration(row.resident.low_s)}, {duration(row.resident.high_s)}]",
    ]
    if row.roofline_fraction is not None:
        lines.append(f"{row.roofline_fraction:.0%} of the roofline" + (f", bound by {row.binds}" if row.binds else ""))
    if row.energy_j is not None:
        lines.append(f"{row.energy_j:.3g} J a run")
    if row.options:
        lines.append(", ".join(f"{name}={value}" for name, value in row.options.items()))
    if row.artifact:
        lines.append(f"artifact {row.artifact.file}")
    return "\n".join(lines)


def _errors(row: Row) -> str:
    columns = ERRORS[row.output]
    named = {
        column.heading: column.text(value) for column in columns if (value := figure(row, column.path)) is not None
    }
    if row.accuracy and (interval := error_interval(row))[0] < interval[1]:
        named["MAE"] += f" [{error(interval[0])}, {error(interval[1])}]"
    return ", ".join(f"{heading} {value}" for heading, value in named.items())


def _facts(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and values of a nested mapping, flat."""
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict):
            yield from _facts(value, f"{name}: ")
        elif isinstance(value, list | tuple):
            yield name, ", ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in value)
        else:
            yield name, "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _settings(record: RunRecord) -> Iterator[tuple[str, str]]:
    return _facts(msgspec.structs.asdict(record.settings))


_UNBROKEN = re.compile(r"[\d.]+ (?:s|ms|µs|ns)\b|\S+")
_LONGEST = 28


def _unbroken(text: str) -> Markup:
    """Return text whose names and figures are not broken at hyphens and before units, but before their options."""

    def word(match: re.Match[str]) -> Markup:
        pieces = re.split(r"(?=\[)|(?<=,)", match[0])
        kept = [Markup("<span class='nb'>{}</span>").format(p) if 1 < len(p) <= _LONGEST else escape(p) for p in pieces]
        return Markup("<wbr>").join(kept) if len(match[0]) < 200 else escape(match[0])

    parts, end = [], 0
    for match in _UNBROKEN.finditer(text):
        parts += [
            escape(text[end : match.start()]),
            word(match) if re.search(r"[-\[ ]", match[0]) else escape(match[0]),
        ]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _audits(result: Result) -> list[tuple[str, str]]:
    """Return contenders and the audits that they passed; those that passed the same are named together."""
    passed: dict[tuple[str, ...], list[str]] = {}
    for line in result.lines:
        if line.row.status == "ran":
            passed.setdefault(line.row.audits, []).append(line.row.contender)
    return [(listed(names), ", ".join(audits) or "none is recorded") for audits, names in passed.items()]
