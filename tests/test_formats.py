"""`fhnbench show --format`: every format is found by name, holds the figures, and is read by those it is for."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats

from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus
from fhnbench.report.formats import export, format_names
from fhnbench.report.formats.pytest_benchmark import statistics_of
from fhnbench.report.markup import csv_table, latex_table, markdown_table
from fhnbench.results.record import Row
from fhnbench.results.store import read_record
from records import record, row

PUBLISHED = Path(__file__).parent.parent / "results" / "cpu"
EXAMPLE = record(
    row("euler-cpu[dt=0.05]", 3e-3, 8e-3),
    row("ddnn-cpu", 0.4, 1e-2, "surrogate"),
    Row("euler_50%-cuda", "solver", "unavailable", "no device"),
)


def test_formats_are_the_modules_and_the_help_lists_them(command_line):
    assert set(format_names()) == {"csv", "json", "latex", "markdown", "pytest-benchmark"}
    text = command_line("show", "--help").stdout
    assert f"[{'|'.join(format_names())}]" in text


@pytest.mark.parametrize("name", format_names())
def test_each_format_names_every_contender_that_ran(name):
    text = export(EXAMPLE, name)
    assert text.endswith("\n")
    assert "euler-cpu[dt=0.05]" in text
    assert "ddnn-cpu" in text


def test_json_is_the_record(tmp_path):
    (tmp_path / "run.json").write_text(export(EXAMPLE, "json"))
    assert read_record(tmp_path) == EXAMPLE


def test_unknown_format_is_refused_by_name(command_line):
    done = command_line("show", str(PUBLISHED), "--format", "yaml")
    assert done.returncode == ExitStatus.USER_ERROR
    assert "'yaml' is not one of 'csv', 'json', 'latex', 'markdown', 'pytest-benchmark'" in done.stderr
    with pytest.raises(FhnbenchError):
        export(EXAMPLE, "__init__")


def test_pytest_benchmark_compares_exported_records(command_line, tmp_path):
    for number in ("0001_base.json", "0002_candidate.json"):
        done = command_line("show", str(PUBLISHED), "--format", "pytest-benchmark")
        assert done.returncode == ExitStatus.OK, done.stderr
        (tmp_path / number).write_text(done.stdout)
    compare = [sys.executable, "-m", "pytest_benchmark", "compare", "--columns=median,rounds", "--csv=table.csv"]
    files = [str(path) for path in sorted(tmp_path.glob("*.json"))]
    done = subprocess.run([*compare, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    medians = {row.contender: row.resident.median_s for row in read_record(PUBLISHED).rows if row.resident}
    assert len(lines) == 2 * len(medians)
    for line in lines:
        assert float(line["median"]) == pytest.approx(medians[line["name"].split("::")[-1]])
    assert "euler-cpu" in done.stdout


def test_benchmarks_hold_accuracy_and_groups():
    data = json.loads(export(EXAMPLE, "pytest-benchmark"))
    first, second = data["benchmarks"]
    assert first["group"] == second["group"] == "problem C, 100,000 samples"
    assert first["extra_info"]["accuracy"]["mae"] == 8e-3
    assert first["extra_info"]["roofline_fraction"] == 0.8


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=50))
def test_statistics_are_those_of_pytest_benchmark(times):
    theirs = Stats()
    for time in times:
        theirs.update(time)
    ours = statistics_of(times)
    exact = set(Stats.fields) - {"q1", "q3", "iqr", "iqr_outliers", "outliers", "ld15iqr", "hd15iqr"}
    for field in exact:
        assert ours[field] == pytest.approx(getattr(theirs, field)), field
    if len(times) % 2 == 0:  # with an odd number there are several ways to take quartiles
        assert {field: ours[field] for field in Stats.fields} == pytest.approx(theirs.as_dict())
    assert ours["min"] <= ours["q1"] <= ours["median"] <= ours["q3"] <= ours["max"]


def test_tables_escape_what_their_language_means():
    columns, rows = ("name", "± 95%"), [("a|b_c", "50% & 3 µs"), ("x", "")]
    assert "a\\|b_c" in markdown_table(columns, rows)
    assert list(csv.reader(io.StringIO(csv_table(columns, rows)))) == [list(columns), *map(list, rows)]
    latex = latex_table(columns, rows)
    assert r"a|b\_c & 50\% \& 3 \textmu{}s \\" in latex
    assert latex.count(r"\\" + "\n") == 3
