"""`fhnbench history` on a folder of records: order, what belongs together, what is left out, table, CSV and picture."""

from __future__ import annotations

import csv
import io
import struct

import msgspec
import pytest
from click.testing import CliRunner

from fhnbench.__main__ import cli
from fhnbench.errors import FhnbenchError
from fhnbench.results.record import Row
from fhnbench.results.store import write_record
from records import record, row

change = msgspec.structs.replace


@pytest.fixture
def folder(tmp_path):
    """Write three records of one machine, not in order, one of another, and a file that is none."""
    for number, (day, time_s) in enumerate([("02", 2e-3), ("01", 1e-3), ("03", 3e-3)]):
        rows = (row("euler-cpu", time_s, 8e-3), row("ddnn-cpu", 0.4, 1e-2, "surrogate"), Row("x", "solver", "failed"))
        git = {"commit": f"{number}abcdef0123", "dirty": number == 0}
        one = change(record(*rows), created=f"2026-01-{day}T00:00:00+00:00", environment={"cpu": "A CPU", "git": git})
        write_record(tmp_path / "deep" / str(number), one)
    elsewhere = change(record(row("euler-cpu", 5e-3, 8e-3)), environment={"cpu": "Another CPU"})
    write_record(tmp_path / "elsewhere", elsewhere)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    return tmp_path


def run(*words):
    return CliRunner().invoke(cli, ["history", *map(str, words)], standalone_mode=False)


def test_records_are_listed_from_old_to_new_by_machine_and_what_is_damaged_is_told(folder):
    done = run(folder)
    assert done.exception is None
    assert "Left out: " in done.stderr
    assert "damaged" in done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    euler = [line for line in lines if "2026-01" in line][:3]
    assert ["+100.0%" in line for line in euler] == [False, True, False]
    assert "+200.0%" in euler[2]
    assert "0abcdef01+" in euler[1]
    assert "1abcdef01 " in euler[0]
    text = " ".join(done.stdout.split())
    assert text.count("; A CPU, 2 threads") == text.count("; Another CPU, 2 threads") == 1


def test_csv_holds_every_point_of_the_contenders_asked_for(folder):
    lines = list(csv.DictReader(io.StringIO(run(folder, "--contender", "eul*", "--format", "csv").stdout)))
    assert {line["contender"] for line in lines} == {"euler-cpu"}
    assert [float(line["median_s"]) for line in lines if line["machine"].startswith("A CPU")] == [1e-3, 2e-3, 3e-3]
    assert len(lines) == 4


def test_picture_has_a_panel_for_each_machine(folder):
    done = run(folder, "--plot", folder / "history.png")
    assert done.exception is None
    content = (folder / "history.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24])[1] == pytest.approx(150 * (0.4 + 2 * 3.6), abs=2)


def test_nothing_found_is_an_error(folder, tmp_path):
    for words in ((folder / "deep", "--contender", "rk4-*"), (tmp_path / "nowhere" / "run.json",)):
        assert isinstance(run(*words).exception, FhnbenchError)
