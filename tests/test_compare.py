"""`fhnbench compare` as a user types it, on records with simulated times: verdicts, exit statuses, what is refused."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from fhnbench.__main__ import cli
from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus
from fhnbench.problem import standard_problem
from fhnbench.results.compare import Thresholds, compare_records
from fhnbench.results.record import Block, EffectiveRecord, Row
from fhnbench.results.store import write_record
from fhnbench.statistics.noise import QUIET
from records import record, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.results.record import RunRecord

NAMES = ("euler-cpu", "ddnn-cpu[hidden=64x64]")
change = msgspec.structs.replace


def measured(delays: Sequence[float], sessions: int = 6, seed: int = 0) -> list[RunRecord]:
    """Return records of contenders that are slower than 1 ms by a delay each; a seed stands for a session's noise."""
    clock = QUIET.times(np.random.default_rng(seed), sessions, 25, delays)
    found = []
    for number, session in enumerate(clock[0]):
        rows = []
        for name, times in zip(NAMES, clock, strict=True):
            blocks = tuple(Block(n, n, 1, 1e-4, t, 1e-5, 0.0) for n, t in times[session].items())
            rows.append(change(row(name, 1e-3, 8e-3), blocks=blocks))
        found.append(change(record(*rows), session=f"{seed} {number}"))
    return found


@pytest.fixture
def compare(tmp_path):
    """Write two sides and run the command on them."""

    def run(base, candidate, *options):
        for name, side in (("base", base), ("candidate", candidate)):
            for number, one in enumerate(side):
                write_record(tmp_path / name / str(number), one)
        arguments = ["compare", str(tmp_path / "base"), str(tmp_path / "candidate"), *options]
        return CliRunner().invoke(cli, arguments, standalone_mode=False)

    return run


BASE = measured([0, 0])


def altered(records: list[RunRecord], **fields) -> list[RunRecord]:
    return [change(one, **fields) for one in records]


def with_rows(records: list[RunRecord], alter) -> list[RunRecord]:
    return [change(one, rows=tuple(map(alter, one.rows))) for one in records]


def less_accurate(one: Row) -> Row:
    return change(one, accuracy=change(one.accuracy, mae=1.02 * one.accuracy.mae))


def few_rounds(one: Row) -> Row:
    return change(one, blocks=one.blocks[:4])


def broken(one: Row) -> Row:
    return Row(one.contender, one.kind, "failed", "its process was killed by SIGSEGV")


@pytest.mark.parametrize(
    ("candidate", "status", "words"),
    [
        (BASE, ExitStatus.OK, "no regression"),
        (measured([0.1, 0]), ExitStatus.SLOWER, "slower: euler-cpu"),
        (measured([0, -0.1]), ExitStatus.OK, "no regression"),
        (with_rows(BASE, less_accurate), ExitStatus.LESS_ACCURATE, "less accurate: euler-cpu, ddnn-cpu[hidden=64x64]"),
        (with_rows(measured([0.1, 0]), less_accurate), ExitStatus.LESS_ACCURATE, "slower: euler-cpu; less accurate"),
        (with_rows(measured([0, 0], 1), few_rounds), ExitStatus.INCONCLUSIVE, "inconclusive: euler-cpu"),
        (with_rows(BASE, broken), ExitStatus.DID_NOT_RUN, "no longer measured"),
        (with_rows(BASE, lambda one: change(one, contender="rk4-cpu")), None, "no contender in common"),
    ],
    ids=["same", "slower", "faster", "less accurate", "both", "inconclusive", "broken", "nothing in common"],
)
def test_exit_status_says_what_was_found(compare, candidate, status, words):
    done = compare(BASE, candidate)
    if status is None:
        assert isinstance(done.exception, FhnbenchError)
        assert words in str(done.exception)
        return
    assert done.exception is None
    assert done.return_value == status, done.output
    assert words in done.output
    assert max(map(len, done.output.split("Verdict")[0].splitlines())) <= 100


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"problem": standard_problem("B")}, "problem: C and B"),
        ({"problem": dataclasses.replace(standard_problem("C"), horizon=60.0)}, "ranges, horizon or model"),
        ({"dataset": change(BASE[0].dataset, digest="cd" * 32)}, "dataset: abababababab and cdcdcdcdcdcd"),
        ({"dataset": change(BASE[0].dataset, size=50_000)}, "samples: 100000 and 50000"),
        ({"settings": change(BASE[0].settings, precision="float64")}, "precision: float32 and float64"),
        ({"settings": change(BASE[0].settings, threads=1)}, "threads: 2 and 1"),
        ({"settings": change(BASE[0].settings, cold=True)}, "cold caches: False and True"),
        ({"environment": {"cpu": "Another CPU"}}, "cpu: A CPU and Another CPU"),
    ],
)
def test_records_of_something_else_are_refused(compare, fields, what):
    done = compare(BASE, altered(BASE, **fields))
    assert done.return_value == ExitStatus.INCOMPARABLE
    assert what in done.stderr
    assert "Verdict" not in done.output
    allowed = compare(BASE, altered(BASE, **fields), "--allow-different-machines")
    assert what in allowed.stderr
    assert allowed.return_value == (ExitStatus.OK if "environment" in fields else ExitStatus.INCOMPARABLE)


def on(device: str, precision: str = "float32") -> list[RunRecord]:
    return with_rows(BASE, lambda one: change(one, effective=EffectiveRecord(device, precision)))


def test_what_computed_elsewhere_is_refused(compare):
    done = compare(BASE, on("A GPU"), "--allow-different-machines")
    assert done.return_value == ExitStatus.INCOMPARABLE
    assert "euler-cpu: float32 on the CPU and float32 on a GPU" in done.stderr
    done = compare(BASE, on("cpu", "float64"), "--allow-different-machines")
    assert done.return_value == ExitStatus.INCOMPARABLE


def test_another_gpu_is_another_machine(compare):
    done = compare(on("This GPU"), on("That GPU"))
    assert done.return_value == ExitStatus.INCOMPARABLE
    assert "euler-cpu: This GPU and That GPU" in done.stderr
    assert compare(on("This GPU"), on("That GPU"), "--allow-different-machines").return_value == ExitStatus.OK


def test_a_side_of_unlike_records_is_no_side(compare):
    done = compare([*BASE[:5], altered(BASE[5:], environment={"cpu": "Another CPU"})[0]], BASE)
    assert done.return_value == ExitStatus.INCOMPARABLE
    assert "cpu: A CPU or Another CPU and A CPU" in done.stderr


def test_a_threshold_forgives_by_contender(compare):
    candidate = measured([0.06, 0.06])
    assert compare(BASE, candidate).return_value == ExitStatus.SLOWER
    assert compare(BASE, candidate, "--threshold", "10%").return_value == ExitStatus.OK
    one = compare(BASE, candidate, "--threshold", "3%", "--threshold", "ddnn-*=10%")
    assert one.return_value == ExitStatus.SLOWER
    assert "slower: euler-cpu\n" in one.output


def test_thresholds_are_read_in_order_and_refused_by_name():
    limits = Thresholds(["5%", "ddnn-*=10%", "ddnn-cpu[hidden=8x8]=0.2"])
    assert [limits.of(name) for name in ("euler-cpu", "ddnn-cpu", "ddnn-cpu[hidden=8x8]")] == [0.05, 0.1, 0.2]
    assert Thresholds().of("euler-cpu") == 0.03
    for text in ("", "ddnn-*", "x=y%", "-3%", "100%", "nan", "=3%"):
        with pytest.raises(FhnbenchError, match="write it as 3%"):
            Thresholds([text])


def test_a_threshold_for_none_of_the_contenders_is_told(compare):
    done = compare(BASE, BASE, "--threshold", "5%", "--threshold", "eulr-*=10%", "--threshold", "euler-*=4%")
    assert done.return_value == ExitStatus.OK
    assert done.stderr == "threshold 'eulr-*=10%' is for none of the contenders\n"


def test_formats_hold_the_same_figures(compare):
    candidate = measured([0.1, 0])
    data = json.loads(compare(BASE, candidate, "--format", "json").stdout)
    lines = list(csv.DictReader(io.StringIO(compare(BASE, candidate, "--format", "csv").stdout)))
    text = compare(BASE, candidate, "--format", "markdown").stdout
    for found, line in zip(data["rows"], lines, strict=True):
        assert found["contender"] == line["contender"]
        assert found["speed"]["ratio"]["value"] == float(line["ratio"])
        assert found["speed"]["verdict"] == line["speed"]
        assert f"| {found['contender']} |" in text
    assert float(lines[0]["ratio"]) == pytest.approx(1.1, abs=0.02)
    assert compare(BASE, candidate, "--format", "yaml").exception is not None


def test_a_single_run_is_labelled_and_several_are_not(compare):
    assert "one process" in compare(BASE[:1], BASE[:1]).output
    comparison = compare_records(BASE, BASE)
    assert not any(found.notes for found in comparison.rows)


def test_upload_and_download_count_end_to_end(compare):
    def slow_upload(one: Row) -> Row:
        return change(one, blocks=tuple(change(block, upload_s=block.upload_s + 1e-3) for block in one.blocks))

    candidate = with_rows(BASE, slow_upload)
    assert compare(BASE, candidate).return_value == ExitStatus.OK
    assert compare(BASE, candidate, "--span", "end-to-end").return_value == ExitStatus.SLOWER


def test_wrong_usage_is_told(command_line, tmp_path):
    for arguments, words in (
        (("compare",), "two records"),
        (("compare", str(tmp_path), str(tmp_path)), "holds neither run.json nor folders with one"),
        (("compare", "nowhere", "nowhere"), "No such file"),
    ):
        done = command_line(*arguments)
        assert done.returncode == ExitStatus.USER_ERROR
        assert words in done.stderr
