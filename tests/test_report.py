"""What is shown of a run: the same figures in the terminal, in Markdown, in CSV and in the picture."""

import csv
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fhnbench.report.frontier import frontier_png
from fhnbench.report.runs import duration, run_table, to_csv, to_markdown
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
