"""`fhnbench check` as a user types it: tables, exit statuses, and contenders that crash, hang, print or are missing."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import matplotlib as mpl
import msgspec
import pytest

from fhnbench import SolverSpec
from fhnbench.exit_status import ExitStatus
from fhnbench.plugins.checked import stamp, unchecked
from fhnbench.plugins.contender import Request
from fhnbench.plugins.registry import Entry, Plugin
from fhnbench.results.store import read_record
from fhnbench.testing import ConformanceRecord, conformance_checks
from processes import processes_with, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import CommandLine

    Check = Callable[..., subprocess.CompletedProcess[str]]

SOLVER_CHECKS = [check.name for check in conformance_checks("solver")]


@pytest.fixture
def check(command_line: CommandLine, plugins_path: Callable[..., dict[str, str]], tmp_path: Path) -> Check:
    """Run `fhnbench check` with the example and hostile plugins installed and an empty cache."""
    environment = plugins_path("example", "hangs", "dies", "garbage", "throws", "probe", "missing", "prints")
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return command_line("check", *arguments, environment={**environment, **more})

    return run


def rows_of(shown: str) -> dict[str, tuple[str, str]]:
    """Return result and reason by the name of the check; a reason that was wrapped is joined."""
    rows: dict[str, tuple[str, str]] = {}
    for line in shown.splitlines():
        words = line.split(None, 3)
        if words and words[0] in SOLVER_CHECKS and not line.startswith(" "):
            name = words[0]
            rows[name] = (words[2], words[3].strip() if words[3:] else "")
        elif rows and line.startswith(" " * 10) and words:
            rows[name] = (rows[name][0], f"{rows[name][1]} {line.strip()}")
    return rows


def test_a_contender_that_conforms(check: Check) -> None:
    done = check("ab2-example[dt=0.2]")
    assert done.returncode == ExitStatus.OK, done.stderr
    assert done.stdout.startswith("ab2-example[dt=0.2] on problem C")
    assert rows_of(done.stdout) == dict.fromkeys(SOLVER_CHECKS, ("passed", ""))
    count = len(SOLVER_CHECKS)
    assert done.stdout.splitlines()[-1] == f"{count} of {count} checks ran: {count} passed"


def test_a_run_marks_what_was_not_checked(
    check: Check, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    caches = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "MPLCONFIGDIR": mpl.get_cachedir()}
    environment = {**plugins_path("example"), **caches, "FHNBENCH_DATASETS": str(tmp_path / "datasets")}
    remark = "its plugin fhnbench-example 0.1.0 was not checked here: fhnbench check ab2-example"

    def notes(name: str) -> list[tuple[str, ...]]:
        words = ["--solver", "ab2-example[dt=0.5]", "--solver", "euler-cpu[dt=0.5]", "--output", str(tmp_path / name)]
        done = command_line("run", "-n", "50", "--rounds", "1", *words, environment=environment)
        assert done.returncode == ExitStatus.OK, done.stderr
        assert (remark in " ".join(done.stdout.split())) == (remark in read_record(tmp_path / name).rows[0].notes)
        return [row.notes for row in read_record(tmp_path / name).rows]

    failed = check("ab2-example", "--expect-failure", "order=it is modest", "--problem", "A")
    assert failed.returncode == ExitStatus.GATE_FAILED
    third, own = notes("before")
    assert remark in third
    assert not any("not checked" in note for note in own)
    assert check("ab2-example[dt=0.2]", "--problem", "A").returncode == ExitStatus.OK
    assert remark not in notes("after")[0]


def test_a_stamp_is_of_a_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def of(version: str, distribution: str = "theirs") -> Request:
        spec = SolverSpec("a-b", "m:C", "A solver")
        return Request("a-b", "solver", "float32", {}, {}, (Entry(spec, Plugin("p", distribution, version)),))

    stamp(of("1.0"))
    assert unchecked(of("1.0")) == ""
    assert unchecked(of("1.1")) == "its plugin theirs 1.1 was not checked here: fhnbench check a-b"
    assert unchecked(of("1.1", "fhnbench")) == ""


def test_another_problem_and_skips_with_reasons(check: Check) -> None:
    done = check("ab2-example", "--problem", "a")
    assert done.returncode == ExitStatus.OK, done.stderr
    assert rows_of(done.stdout)["fresh-inputs"] == ("skipped", "all ensembles of problem A are alike")
    count = len(SOLVER_CHECKS)
    assert done.stdout.splitlines()[-1] == f"{count - 3} of {count} checks ran: {count - 3} passed, 3 skipped"


def test_a_distribution_stands_for_what_it_provides_and_the_record_says_what_came_out(
    check: Check, tmp_path: Path
) -> None:
    report = tmp_path / "conformance.json"
    done = check("ab2-example", "--report", str(report), "--problem", "A")
    assert done.returncode == ExitStatus.OK, done.stderr
    record = msgspec.json.decode(report.read_bytes(), type=ConformanceRecord)
    (found,) = record.contenders
    assert (found.contender, found.distributions) == ("ab2-example", {"fhnbench-example": "0.1.0"})
    assert [result.check for result in found.results] == SOLVER_CHECKS
    assert found.conforms
    assert found.expected == len(SOLVER_CHECKS)
    assert set(record.tiers) >= set(SOLVER_CHECKS)
    assert set(record.tiers.values()) == {"discovery", "contract", "numerics", "honesty", "report"}


def test_a_distribution_stands_for_what_it_provides(check: Check) -> None:
    done = check("fhnbench-hostile", "--timeout", "5", "--expect-failure", "no-such=it is hostile")
    assert done.returncode == ExitStatus.USER_ERROR
    assert "no check 'no-such' to fail" in done.stderr  # so contenders of the distribution were found


def test_a_failure_may_be_expected_but_must_happen(check: Check) -> None:
    late = "garbage-hostile[what=shape]"
    failing = [name for name, (result, _) in rows_of(check(late).stdout).items() if result == "failed"]
    told = [word for name in failing for word in ("--expect-failure", f"{name}=it returns garbage")]
    done = check(late, *told)
    assert done.returncode == ExitStatus.OK, done.stdout
    assert rows_of(done.stdout)["output"][0] == "expected"
    assert f"{len(failing)} expected" in done.stdout.splitlines()[-1]
    done = check("ab2-example", "--problem", "A", "--expect-failure", "order=it is modest")
    assert done.returncode == ExitStatus.GATE_FAILED
    assert rows_of(done.stdout)["order"] == ("failed", "passes, and was expected to fail: it is modest")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("order", "a failure of order is expected for no reason; say why"),
        ("ordre=x", "no check 'ordre' to fail; did you mean 'order'?"),
    ],
)
def test_what_is_expected_without_reason_is_refused(check: Check, told: str, message: str) -> None:
    done = check("ab2-example", "--expect-failure", told)
    assert done.returncode == ExitStatus.USER_ERROR
    assert message in done.stderr


def test_several_contenders_and_the_gravest_status(check: Check) -> None:
    done = check("ab2-example", "probe-hostile", "garbage-hostile[what=shape]")
    assert done.returncode == ExitStatus.GATE_FAILED
    assert "ab2-example on problem C" in done.stdout
    unavailable = "its probe hostile.plugins:probe raised OSError: the driver is asleep"
    assert f"probe-hostile was not checked: {unavailable}" in " ".join(done.stdout.split())
    garbage = rows_of(done.stdout.partition("garbage-hostile")[2])
    result, reason = garbage["output"]
    assert result == "failed"
    assert reason == "output has shape (50, 2, 1000), not (save point, u or w, sample) = (51, 2, 1000)"
    assert garbage["cost"] == ("passed", "")


@pytest.mark.parametrize(
    ("name", "timeout", "reason"),
    [
        ("die-hostile[how=exit]", "600", "its process ended with exit status 0"),
        ("die-hostile[how=segfault]", "600", "its process was killed by SIGSEGV"),
        ("die-hostile[how=kill,where=prepare]", "600", "its process was killed by SIGKILL"),
        ("hang-hostile[where=prepare]", "2", "no answer within 2 s; allow more with --timeout"),
        ("throw-hostile[where=prepare]", "600", "OwnError: raised in prepare"),
    ],
)
def test_what_ends_or_hangs_its_process_fails_one_check_and_the_rest_is_skipped(
    check: Check, name: str, timeout: str, reason: str
) -> None:
    done = check(name, "--timeout", timeout)
    assert done.returncode == ExitStatus.GATE_FAILED, done.stderr
    rows = rows_of(done.stdout)
    assert list(rows) == SOLVER_CHECKS
    (failed,) = (name for name, (result, _) in rows.items() if result == "failed")
    assert rows[failed][1].startswith(reason)
    later = SOLVER_CHECKS[SOLVER_CHECKS.index(failed) + 1 :]
    assert [rows[name] for name in later] == [("skipped", f"not run, since {failed} ended the process")] * len(later)
    assert "Traceback" not in done.stdout + done.stderr


def test_what_raises_in_a_run_fails_the_checks_that_run_it(check: Check) -> None:
    done = check("throw-hostile[where=run]")
    assert done.returncode == ExitStatus.GATE_FAILED
    rows = rows_of(done.stdout)
    assert rows["interface"] == ("passed", "")
    assert rows["output"] == ("failed", "raises OwnError: raised in run")
    assert rows["step"] == ("passed", "")


def test_what_a_contender_prints_does_not_reach_the_table(check: Check) -> None:
    done = check("print-hostile")
    assert done.returncode == ExitStatus.OK, done.stdout
    assert "printed" not in done.stdout
    assert "descriptor" not in done.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing-hostile", "no_such_package.module not installed; pip install 'fhnbench-hostile[missing]'"),
        ("absent-hostile", "cannot import hostile.no_such_module:Correct: ModuleNotFoundError"),
        ("ab2-example[precision=float16]", "precision float16 is not supported; choose float32 or float64"),
        ("ab2-example[dt=0.3]", "dt=0.3 does not divide the save interval 1; the nearest that does is 0.333333333333"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_a_status_of_its_own(check: Check, name: str, reason: str) -> None:
    done = check(name)
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    assert done.stdout.startswith(f"{name} was not checked: ")
    assert reason in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_surrogate_without_an_artifact_says_how_to_train_one(check: Check) -> None:
    done = check("ddnn-example[hidden=7x7]")
    assert done.returncode == ExitStatus.DID_NOT_RUN
    assert "train one: fhnbench train ddnn --problem C --hidden 7,7\n" in done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab2-example[dtt=1]", "no option 'dtt'; did you mean 'dt'? there are dt, output, precision"),
        ("ab2-example[dt=small]", "dt=small: expected `float`, got `str`"),
        ("ab2-example[precision=float8]", "no precision 'float8'; there are float16, bfloat16, float32, float64"),
        ("ab2-exampel", "no contender 'ab2-exampel'; did you mean 'ab2-example'?"),
        ("ddnn-exampel", "no contender 'ddnn-exampel'; did you mean 'ddnn-example'?"),
    ],
)
def test_what_is_mistyped_is_a_user_s_error(check: Check, name: str, message: str) -> None:
    done = check(name)
    assert done.returncode == ExitStatus.USER_ERROR
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_typo_is_told_before_anything_runs(check: Check) -> None:
    done = check("ab2-example", "no-such")
    assert (done.returncode, done.stdout) == (ExitStatus.USER_ERROR, "")


def test_no_names_tells_what_lists_them(check: Check) -> None:
    done = check()
    assert done.returncode == ExitStatus.USER_ERROR
    assert "name a contender or a distribution to check; fhnbench plugins lists all" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ctrl_c_leaves_no_process_behind(plugins_path: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    mark = f"FHNBENCH_TEST={tmp_path}"
    environment = {**plugins_path("hangs"), "FHNBENCH_TEST": str(tmp_path)}
    command = [sys.executable, "-m", "fhnbench", "check", "hang-hostile[where=prepare]"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # the command, its worker, and the child that this left
        wait_until(lambda: len(processes_with(mark, "environ")) >= 3, "nothing hangs")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == ExitStatus.INTERRUPTED
    wait_until(lambda: not processes_with(mark, "environ"), "processes were left behind")
