"""What is shown of a run: the same figures in the terminal, in Markdown, in CSV and in the picture."""

import csv
import io
import itertools
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from rich.console import Console

from fhnbench.report.frontier import frontier_png, named
from fhnbench.report.labels import Label, place_labels
from fhnbench.report.result import result_of
from fhnbench.report.runs import run_table, to_csv, to_markdown
from fhnbench.report.style import house_style
from fhnbench.report.text import duration
from fhnbench.results.front import pareto_front
from fhnbench.results.record import Row
from records import record, row

EXAMPLE = record(
    row("rk4-cpu", 5e-3, 5e-4),
    row("euler-cpu[dt=0.05,precision=float64]", 3e-3, 8e-3),
    row("ddnn-torch[hidden=64x64]", 0.4, 1e-2, "surrogate", notes=("its idle worker was busy",)),
    Row("euler-cuda", "solver", "unavailable", "cuda-core not installed; pip install 'fhnbench[cuda]'"),
    Row("hang", "solver", "timed_out", "no answer within 5 s"),
)


def shown(renderable, width=100):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_table_fits_a_hundred_columns_and_keeps_every_figure():
    text = shown(run_table(EXAMPLE))
    assert max(map(len, text.splitlines())) <= 100
    for figure in ("8.00e-3", "3 ms", "250k", "80%", "1.5 s", "5 ms", "400 ms", "timed out", "unavailable"):
        assert figure in text


def test_table_orders_by_time_and_gives_reasons_and_remarks():
    lines = shown(run_table(EXAMPLE)).splitlines()
    order = [
        next(i for i, line in enumerate(lines) if name in line) for name in ("euler-cpu ", "rk4-cpu", "ddnn-torch")
    ]
    assert order == sorted(order)
    assert "euler-cuda: cuda-core not installed; pip install 'fhnbench[cuda]'" in lines
    assert "ddnn-torch[hidden=64x64]: its idle worker was busy" in lines


def test_unfinished_run_says_so():
    assert "not complete" in shown(run_table(record(complete=False)))


def test_markdown_and_csv_hold_the_same_rows():
    rows = list(csv.DictReader(io.StringIO(to_csv(EXAMPLE))))
    assert [line["contender"] for line in rows][:2] == ["euler-cpu[dt=0.05,precision=float64]", "rk4-cpu"]
    assert float(rows[0]["mae"]) == 8e-3
    assert float(rows[0]["resident_median_s"]) == 3e-3
    assert rows[-1]["status"] in {"unavailable", "timed_out"}
    table = [line.split("|")[1].strip() for line in to_markdown(EXAMPLE).splitlines() if line.startswith("|")]
    assert table[2:] == [line["contender"] for line in rows]


@given(st.floats(1e-9, 1e4))
def test_duration_keeps_three_digits(seconds):
    number, unit = duration(seconds).split()
    assert float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit] == pytest.approx(seconds, rel=5.1e-3)


def test_picture_is_a_png_of_the_stated_size():
    content = frontier_png(EXAMPLE)
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (1275, 825)


def test_what_holds_for_several_contenders_is_said_once():
    text = shown(run_table(record(*(Row(name, "solver", "unavailable", "no device") for name in ("a-cuda", "b-cuda")))))
    assert [line for line in text.splitlines() if "no device" in line] == ["a-cuda and b-cuda: no device"]


def test_verdict_is_said_in_the_terminal_and_in_markdown():
    result = result_of(EXAMPLE)
    assert result.verdict[0].startswith("Of 1 surrogate, each against the cheapest classical configuration")
    flat = " ".join(shown(run_table(EXAMPLE)).split())
    for sentence in (*result.verdict, *(one.sentences[0] for one in result.claims)):
        assert sentence in flat
        assert sentence in to_markdown(EXAMPLE)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
@settings(max_examples=20, deadline=None)
def test_labels_overlap_neither_each_other_nor_a_point(points):
    with house_style():
        figure = Figure(figsize=(6, 4), dpi=100)
        axes = figure.subplots()
        axes.set(xlim=(-0.2, 1.2), ylim=(-0.2, 1.2))
        boxes = place_labels(axes, [Label(f"method-cpu[dt={i}]", x, y) for i, (x, y) in enumerate(points)], points)
    assert boxes
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert not any(box.contains(*point) for box in boxes for point in axes.transData.transform(points))


def test_of_many_contenders_the_front_and_the_extremes_are_named():
    rows = [row(f"s-cpu[dt={i}]", 1e-3 * (i + 1), 1e-2 * (1 + (i * 7) % 40) / (i + 1)) for i in range(40)]
    front = pareto_front(rows)
    chosen = [one.contender for one in named(rows, front)]
    assert {one.contender for one in front} <= set(chosen)
    assert {"s-cpu[dt=0]", "s-cpu[dt=39]"} <= set(chosen)
    assert len(chosen) < 20
    assert frontier_png(record(*rows)).startswith(b"\x89PNG")


def test_a_run_in_which_all_times_are_impossible_has_a_picture_without_a_front():
    impossible = msgspec.structs.replace(row("euler-cpu", 1e-3, 8e-3), roofline_fraction=1.2)
    assert frontier_png(record(impossible)).startswith(b"\x89PNG")
