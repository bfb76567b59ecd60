"""`import fhnbench` in a script or a notebook: measuring, data frames, pictures; the example of the guide runs."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, get_type_hints

import click
import pytest

import fhnbench
import records
from conftest import TESTS
from fhnbench.asked import Measuring
from fhnbench.cli.run import command
from fhnbench.report.runs import FIGURES, to_csv
from fhnbench.results.record import Settings
from fhnbench.results.store import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUIDE = TESTS.parent / "results" / "README.md"


@pytest.fixture(scope="module", autouse=True)
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FHNBENCH_DATASETS", str(tmp_path_factory.mktemp("datasets")))
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[fhnbench.RunRecord, Path]:
    folder = tmp_path_factory.mktemp("runs") / "run"
    names = ["euler-cpu[dt=0.05]", "m*-cpu"]
    return fhnbench.run(names, "B", 200, output=folder, rounds=2, cold=True, timeout_s=600), folder


def test_contenders_run_in_another_interpreter() -> None:
    record = fhnbench.run("euler-cpu", "B", 200, rounds=2, interpreters={"euler-*": sys.executable})
    assert record.rows[0].status == "ran"
    assert record.environment["interpreters"]["euler-*"]["interpreter"] == sys.executable
    assert record.command.endswith(f"--python {shlex.quote(f'euler-*={sys.executable}')}")


def test_the_example_of_the_guide_runs_as_a_script(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "('euler-cpu[dt=0.05]', 'ran', " in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"example.py", "error-against-time.png"}


def test_a_run_is_that_of_the_command_line(measured: tuple[fhnbench.RunRecord, Path]) -> None:
    record, folder = measured
    assert [row.contender for row in record.rows] == ["euler-cpu[dt=0.05]", "midpoint-cpu"]
    assert [row.status for row in record.rows] == ["ran", "ran"]
    assert (record.problem.name, record.dataset.size) == ("B", 200)
    assert record.settings == Settings(
        threads=fhnbench.usable_cpus(), rounds=2, time_budget_s=20.0, timeout_s=600, cold=True
    )
    assert encode(fhnbench.read_record(folder)) == encode(record)
    assert {path.name for path in folder.iterdir()} == {"run.json", "table.md", "table.csv", "frontier.png"}
    with pytest.raises(fhnbench.FhnbenchError, match="holds a run already"):
        fhnbench.run("euler-cpu", output=folder)


def test_its_command_asks_for_the_same(measured: tuple[fhnbench.RunRecord, Path]) -> None:
    record, folder = measured
    program, name, *words = shlex.split(record.command)
    assert (program, name) == ("fhnbench", "run")
    given = click.Context(command, info_name="run")
    command.parse_args(given, words)
    assert given.params["solvers"] == ("euler-cpu[dt=0.05]", "m*-cpu")
    asked = {"problem": "B", "size": 200, "rounds": 2, "cold": True, "timeout": 600, "output": folder}
    assert {name: given.params[name] for name in asked} == asked


def test_what_may_be_set_is_what_the_command_line_sets() -> None:
    fields, asked = get_type_hints(Settings), get_type_hints(Measuring)
    assert set(asked) == set(fields) - {"tolerance"}
    options = {parameter.name for parameter in command.params}
    assert {{"time_budget_s": "time_budget", "timeout_s": "timeout"}.get(name, name) for name in asked} <= options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contenders": "oiler-cpu"}, "did you mean 'euler-cpu'"),
        ({"contenders": "x*"}, "no contender matches 'x\\*'"),
        ({"problem": "D"}, "D"),
        ({"size": 0}, "size is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"time_budget_s": math.nan}, "time_budget_s is nan"),
        ({"threads": "two"}, r"Expected `int`, got `str` - at `\$.threads`"),
        ({"precision": "float8"}, "no precision 'float8'"),
        ({"roundz": 3}, "no setting 'roundz'"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(given: dict[str, object], message: str) -> None:
    with pytest.raises(fhnbench.FhnbenchError, match=message):
        fhnbench.run(**{"contenders": "euler-cpu", "size": 50, **given})


def test_a_frame_has_numbers(measured: tuple[fhnbench.RunRecord, Path]) -> None:
    absent = records.record(
        records.row("euler-cpu", 2e-3, 1e-2), fhnbench_row("refused"), records.row("rk4-cpu", 1e-3, 1e-3)
    )
    table = fhnbench.frame(absent)
    assert list(table.columns) == list(FIGURES) == to_csv(absent).splitlines()[0].split(",")
    assert list(table["contender"]) == ["rk4-cpu", "euler-cpu", "heun-cpu"]
    assert list(table["status"]) == ["ran", "ran", "refused"]
    assert list(table["resident_median_s"])[:2] == [1e-3, 2e-3]
    assert list(table["samples_per_s"])[:2] == [1e8, 5e7]
    assert math.isnan(table["mae"][2])
    assert {str(table[name].dtype) for name in ("mae", "energy_j", "prepare_s", "samples_per_s")} == {"float64"}
    assert str(table["converged"].dtype) == "bool"


def fhnbench_row(status: str) -> records.Row:
    return records.Row("heun-cpu", "solver", status, "it does not want to")


def test_a_frame_of_blocks(measured: tuple[fhnbench.RunRecord, Path]) -> None:
    record, _ = measured
    blocks = fhnbench.block_frame(record)
    assert len(blocks) == sum(len(row.blocks) for row in record.rows) >= 4
    assert blocks["started_s"].is_monotonic_increasing
    mine = blocks[blocks["contender"] == "midpoint-cpu"]
    assert tuple(mine["compute_s"]) == tuple(block.compute_s for block in record.rows[1].blocks)
    assert str(blocks["round"].dtype) == "int64"
    assert fhnbench.block_frame(records.record()).empty


def test_a_figure(measured: tuple[fhnbench.RunRecord, Path]) -> None:
    (axes,) = fhnbench.frontier_figure(measured[0]).axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert {text.get_text() for text in axes.texts} >= {"euler-cpu[dt=0.05]", "midpoint-cpu"}
    with pytest.raises(fhnbench.FhnbenchError, match="nothing to draw"):
        fhnbench.frontier_figure(records.record(fhnbench_row("failed")))


def test_a_notebook_shows_the_table_escaped() -> None:
    record = records.record(
        records.row("euler-cpu", 2e-3, 1e-2, notes=("<script>alert(1)</script> & more",)), complete=False
    )
    html = record._repr_html_()
    assert "<td>euler-cpu</td><td>1.00e-2</td>" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert "<script>" not in html
    assert "The run is not complete." in html
