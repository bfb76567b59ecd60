"""`fhnbench run` as a user types it: what it measures, what becomes a row, what is refused, what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from fhnbench.exit_status import ExitStatus
from fhnbench.results.store import RUN_FILE, read_record
from processes import processes_with, wait_for_file, wait_until, workers_of

QUICK = ("-n", "300", "--rounds", "2", "--time-budget", "600")  # so that a busy machine has two rounds, too
HOSTILE = ("example", "hangs", "dies", "garbage", "throws", "probe", "missing", "prints")


@pytest.fixture(scope="module", autouse=True)
def datasets(tmp_path_factory):
    """Let all runs of this module share their datasets."""
    folder = tmp_path_factory.mktemp("datasets")
    os.environ["FHNBENCH_DATASETS"] = str(folder)
    yield folder
    del os.environ["FHNBENCH_DATASETS"]


@pytest.fixture
def run(command_line, plugins_path, tmp_path):
    """Run `fhnbench run` with the example plugin; return the finished process and the record, if there is one."""

    def start(*arguments, plugins=("example",), mark=""):
        output, environment = tmp_path / "run", {**plugins_path(*plugins), "MARK": mark}
        done = command_line("run", *arguments, "--output", str(output), environment=environment)
        return done, read_record(output) if (output / RUN_FILE).exists() else None

    return start


def test_measures_contenders_and_leaves_record_tables_and_picture(run, tmp_path):
    names = ["ab2-example[dt=0.1]", "ab2-example[dt=0.05]", "ab2-example[dt=0.1,precision=float64]"]
    done, record = run(*QUICK, *[word for name in names for word in ("--solver", name)])
    assert done.returncode == ExitStatus.OK, done.stderr
    assert {path.name for path in (tmp_path / "run").iterdir()} == {RUN_FILE, "table.md", "table.csv", "frontier.png"}
    assert record.complete
    assert [row.contender for row in record.rows] == names
    coarse, fine, double = record.rows
    assert fine.accuracy.mae < 0.5 * coarse.accuracy.mae
    assert double.accuracy.mae == pytest.approx(coarse.accuracy.mae, rel=0.05)
    assert double.effective.precision == "float64"
    assert {probe.precision for probe in record.probes} == {"float32", "float64"}
    for row in record.rows:
        assert row.status == "ran"
        assert row.resident.low_s <= row.resident.median_s <= row.resident.high_s
        assert row.end_to_end.median_s >= row.resident.median_s
        assert 2 <= len(row.blocks) <= 3  # one may have been disturbed
        assert set(row.resident.samples) <= {block.compute_s for block in row.blocks}
        assert 0 < row.roofline_fraction < 1
        assert sum(row.accuracy.profile.time.mae) / 51 == pytest.approx(row.accuracy.mae, rel=1e-3)
    assert record.dataset.size == 300
    assert record.environment["packages"]["fhnbench-example"] == "0.1.0"


def test_what_misbehaves_becomes_a_row_and_the_rest_runs(run):
    expected = {
        "ab2-example": ("ran", ""),
        "print-hostile": ("ran", ""),
        "die-hostile[how=exit]": ("failed", "ended with exit status 0"),
        "die-hostile[how=segfault,where=prepare]": ("failed", "killed by SIGSEGV"),
        "die-hostile[how=kill]": ("failed", "killed by SIGKILL"),
        "garbage-hostile[what=shape]": ("failed", "shape (50, 2, 300)"),
        "garbage-hostile[what=dtype]": ("failed", "int32"),
        "garbage-hostile[what=nan]": ("failed", "nan for w at save point 50, sample"),
        "garbage-hostile[what=first]": ("failed", "first save point"),
        "garbage-hostile[what=list]": ("failed", "output is a list"),
        "garbage-hostile[what=object]": ("failed", "output is a object"),
        "throw-hostile[where=prepare]": ("failed", "OwnError: raised in prepare"),
        "throw-hostile[where=run]": ("failed", "OwnError: raised in run"),
        "throw-hostile[where=output]": ("failed", "OwnError: raised in output"),
        "ab2-example[dt=0.3]": ("refused", "nearest that does is 0.333333"),
        "ab2-example[precision=float16]": ("refused", "float16"),
        "probe-hostile": ("unavailable", "the driver is asleep"),
        "missing-hostile": ("unavailable", "pip install 'fhnbench-hostile[missing]'"),
        "absent-hostile": ("unavailable", "no_such_module"),
    }
    names = [word for name in expected for word in ("--solver", name)]
    done, record = run(*QUICK, *names, plugins=HOSTILE)
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    rows = {row.contender: row for row in record.rows}
    wrong = {name: (row.status, row.reason) for name, row in rows.items() if row.status != expected[name][0]}
    assert not wrong
    for name, (status, reason) in expected.items():
        assert reason in rows[name].reason
        assert "\n" not in rows[name].reason
        assert (rows[name].resident is not None) == (status == "ran")
    assert "it misbehaves on request" in rows["print-hostile"].notes
    assert "it misbehaves on request" in done.stdout


def test_what_hangs_is_ended_with_what_it_started_and_the_rest_has_its_turn(run, tmp_path):
    hanging = ["hang-hostile[where=prepare]", "hang-hostile[where=run]"]
    names = [word for name in (*hanging, "ab2-example") for word in ("--solver", name)]
    done, record = run(*QUICK, "--timeout", "10", *names, plugins=HOSTILE, mark=str(tmp_path))
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    reason = "no answer within 10 s; allow more with --timeout"
    assert [(row.contender, row.status, row.reason) for row in record.rows[:2]] == [
        (name, "timed_out", reason) for name in hanging
    ]
    assert record.rows[2].status == "ran" or record.rows[2].reason == reason  # on a machine that is very busy
    if sys.platform == "linux":
        wait_until(lambda: not processes_with(f"MARK={tmp_path}", "environ"), "what a contender started outlived it")


def test_what_no_plugin_provides_has_its_row(run):
    done, record = run(*QUICK, "--solver", "euler-fpga[dt=0.05]", "--surrogate", "ddnn-fpga", "--solver", "ab2-example")
    assert done.returncode == ExitStatus.DID_NOT_RUN, done.stderr
    rows = {row.contender: row for row in record.rows}
    assert rows["ab2-example"].status == "ran"
    for name in ("euler-fpga[dt=0.05]", "ddnn-fpga"):
        assert rows[name].status == "unavailable"
        assert "no installed plugin provides 'fpga'" in rows[name].reason
        assert "no installed plugin provides 'fpga'" in done.stdout.replace("\n", " ")


def test_accuracy_gate_has_its_own_exit_status(run):
    done, record = run(*QUICK, "--max-error", "1e-9", "--solver", "ab2-example")
    assert done.returncode == ExitStatus.GATE_FAILED
    assert "accuracy gate failed" in record.rows[0].notes[0]
    assert "accuracy gate failed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solver", "ab2-exampel"], "did you mean 'ab2-example'?"),
        (["--solver", "ab2-example[step=0.1]"], "no option 'step'; "),
        (["--solver", "ab2-example[dt=fast]"], "dt=fast: expected `float`"),
        (["--solver", "ab2-example[dt"], "is not of the form NAME or NAME[option=value,...]"),
        (["--solver", "ab2-example[precision=float8]"], "no precision 'float8'"),
        (["--surrogate", "ddnn"], "is not of the form FAMILY-RUNTIME"),
        (["--surrogate", "nets-torch"], "no surrogate 'nets'"),
        (["--problem", "D", "--solver", "ab2-example"], "no problem 'D'; there are A, B, C"),
        (["--dataset", "missing.h5", "--solver", "ab2-example"], "missing.h5"),
        (["-n", "0", "--solver", "ab2-example"], "0 is not in the range"),
        (["--rounds", "few", "--solver", "ab2-example"], "'few' is not a valid integer"),
    ],
)
def test_wrong_use_is_one_line_and_measures_nothing(run, tmp_path, arguments, message):
    done, record = run("--rounds", "1", *(["-n", "300"] if "-n" not in arguments else []), *arguments)
    assert done.returncode == ExitStatus.USER_ERROR
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert record is None
    assert not (tmp_path / "run").exists()


def test_dataset_of_a_file(run, command_line, tmp_path):
    file = tmp_path / "b.h5"
    done = command_line("dataset", "build", "B", "-n", "100", "--output", str(file))
    assert done.returncode == ExitStatus.OK, done.stderr
    done, record = run("--rounds", "1", "--dataset", str(file), "-n", "64", "--solver", "ab2-example")
    assert done.returncode == ExitStatus.OK, done.stderr
    assert record.problem.name == "B"
    assert record.dataset.size == 64


def test_dataset_of_a_file_that_does_not_fit_the_question(run, command_line, tmp_path):
    file = tmp_path / "b.h5"
    command_line("dataset", "build", "B", "-n", "100", "--output", str(file))
    for arguments, message in ((["-n", "101"], "holds 100 samples, not 101"), (["--problem", "C"], "holds problem B")):
        done, record = run("--rounds", "1", "--dataset", str(file), *arguments, "--solver", "ab2-example")
        assert done.returncode == ExitStatus.USER_ERROR
        assert message in done.stderr
        assert record is None
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    done, _ = run("--dataset", str(file), "--solver", "ab2-example")
    assert done.returncode == ExitStatus.USER_ERROR
    assert str(file) in done.stderr


def test_an_older_run_is_not_overwritten(run):
    done, record = run(*QUICK, "--solver", "ab2-example")
    assert done.returncode == ExitStatus.OK, done.stderr
    again, kept = run(*QUICK, "--solver", "ab2-example")
    assert again.returncode == ExitStatus.USER_ERROR
    assert "holds a run already" in again.stderr
    assert kept == record


def test_show_prints_the_table_again(run, command_line, tmp_path):
    done, _ = run(*QUICK, "--solver", "ab2-example")
    shown = command_line("show", str(tmp_path / "run"))
    assert shown.returncode == ExitStatus.OK
    assert shown.stdout.strip() in done.stdout
    missing = command_line("show", str(tmp_path / "nowhere"))
    assert missing.returncode == ExitStatus.USER_ERROR
    assert "nowhere" in missing.stderr


@pytest.fixture
def long_run(plugins_path, tmp_path):
    """Start a run that would take minutes; return the process and its output folder once a record is there."""
    output = tmp_path / "run"
    slow = ("--solver", "ab2-example[dt=0.001]", "--time-budget", "600", "--rounds", "100000")
    command = [sys.executable, "-m", "fhnbench", "run", "-n", "2000", *slow, "--output", str(output)]
    process = subprocess.Popen(
        command, env=plugins_path("example"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_file(process, output / RUN_FILE)
    yield process, output
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_was_measured_survives_and_workers_do_not(long_run, number):
    process, output = long_run
    workers = workers_of(process)
    assert workers
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    record = read_record(output)
    assert not record.complete
    assert record.rows[0].status == "ran"
    assert record.rows[0].blocks
    if number != signal.SIGKILL:
        assert process.returncode == ExitStatus.INTERRUPTED
        assert "what was measured is in" in errors
        assert (output / "frontier.png").exists()
    wait_until(
        lambda: not set(workers) & set(processes_with("fhnbench.measure.worker")), "workers outlived the coordinator"
    )


def test_no_names_measures_everything_that_can_run(run):
    done, record = run("--problem", "A", "-n", "200", "--rounds", "1")
    assert done.returncode == ExitStatus.OK, done.stderr
    names = {row.contender for row in record.rows}
    assert {"euler-cpu", "midpoint-cpu", "heun-cpu", "rk4-cpu", "ddnn-cpu", "ddnn-torch", "ab2-example"} <= names
    refused = {row.contender for row in record.rows if row.status == "refused" and row.reason}
    assert {row.contender for row in record.rows if row.status != "ran"} == refused
    assert not names & refused & {"euler-cpu", "ddnn-cpu", "ddnn-torch", "ab2-example"}
    assert {row.kind for row in record.rows} == {"solver", "surrogate"}
    assert not {name for name in names if name.endswith("-numpy")}, "peers are there to be named"


def test_a_pattern_stands_for_all_that_it_matches(run):
    done, record = run("--problem", "A", "-n", "200", "--rounds", "1", "--solver", "*-numpy[dt=0.5]")
    assert done.returncode == ExitStatus.OK, done.stderr
    assert [row.contender for row in record.rows] == [f"{name}-numpy[dt=0.5]" for name in ("euler", "heun", "rk4")]


def test_a_pattern_that_matches_nothing_is_an_error(command_line):
    done = command_line("run", "--solver", "*-fortran")
    assert done.returncode == ExitStatus.USER_ERROR
    assert done.stderr.startswith("Error: no solver matches '*-fortran'; fhnbench plugins lists all ")


def test_runtimes_agree_on_an_artifact(run):
    runtimes = ["--surrogate", "ddnn-cpu", "--surrogate", "ddnn-torch", "--surrogate", "itnn-cpu"]
    done, record = run(*QUICK, *runtimes, "--surrogate", "itnn-torch")
    assert done.returncode == ExitStatus.OK, done.stderr
    direct, direct_torch, iterative, iterative_torch = record.rows
    assert direct.artifact == direct_torch.artifact
    assert direct.accuracy.mae == pytest.approx(direct_torch.accuracy.mae, rel=1e-3)
    assert iterative.accuracy.mae == pytest.approx(iterative_torch.accuracy.mae, rel=1e-3)
    assert iterative.accuracy.mae < 1e-2


def test_outside_its_training_a_surrogate_is_refused_unless_told(run, command_line, tmp_path):
    file = tmp_path / "longer.h5"
    done = command_line("dataset", "build", "C", "-n", "64", "--horizon", "60", "--output", str(file))
    assert done.returncode == ExitStatus.OK, done.stderr
    asked = ("--rounds", "1", "--dataset", str(file), "--surrogate", "ddnn-cpu")
    done, record = run(*asked)
    assert done.returncode == ExitStatus.DID_NOT_RUN
    assert record.rows[0].status == "refused"
    assert "horizon 60 lies beyond the trained 50" in record.rows[0].reason
    (tmp_path / "run" / RUN_FILE).unlink()
    done, record = run(*asked, "--extrapolate")
    assert done.returncode == ExitStatus.OK, done.stderr
    assert "horizon 60" in record.rows[0].artifact.extrapolated
    assert "extrapolates" in done.stdout


def test_missing_artifact_names_the_command_that_trains_one(run):
    done, record = run(*QUICK, "--surrogate", "ddnn-cpu[hidden=7x7]")
    assert done.returncode == ExitStatus.DID_NOT_RUN
    assert record.rows[0].status == "unavailable"
    assert "fhnbench train ddnn --problem C --hidden 7,7" in record.rows[0].reason


@pytest.fixture
def other_python(tmp_path):
    """Return an interpreter with a package that this one has not, and another version of one."""
    site = tmp_path / "other"
    (site / "no_such_package").mkdir(parents=True)
    (site / "no_such_package" / "__init__.py").touch()
    for name in ("jax", "no_such_package-module"):
        folder = site / f"{name.replace('-', '_')}-99.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{site}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


@pytest.mark.skipif(os.name == "nt", reason="the interpreter is a shell script")
def test_a_contender_runs_in_another_interpreter_and_is_resumed_there(
    command_line, plugins_path, tmp_path, other_python
):
    environment, folder, place = plugins_path("example", "missing"), tmp_path / "run", f"missing-*={other_python}"
    words = (*QUICK, "--solver", "ab2-example[dt=0.5]", "--output", str(folder))
    done = command_line("run", *words, "--solver", "missing-hostile", "--python", place, environment=environment)
    assert done.returncode == ExitStatus.OK, done.stdout + done.stderr
    record = read_record(folder)
    assert [row.status for row in record.rows] == ["ran", "ran"]
    (there,) = record.environment["interpreters"].items()
    assert (there[0], there[1]["interpreter"]) == ("missing-*", str(other_python))
    assert there[1]["packages"]["jax"] == "99.0" != record.environment["packages"].get("jax")
    assert there[1]["packages"]["fhnbench-hostile"] == "6.6.6"
    assert there[1]["packages"]["no_such_package-module"] == "99.0"  # what the contender needs

    more = ("run", "--resume", str(folder), "--solver", "missing-hostile[precision=float64]")
    done = command_line(*more, "--python", place, environment=environment)
    assert (done.returncode, "leave out --python" in done.stderr) == (ExitStatus.USER_ERROR, True)
    done = command_line(*more, environment=environment)
    assert done.returncode == ExitStatus.OK, done.stdout + done.stderr
    again = read_record(folder)
    assert [row.status for row in again.rows] == ["ran"] * 3
    assert again.environment["interpreters"]["missing-*"]["interpreter"] == str(other_python)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the interpreter is a shell script")
def test_the_frontier_of_a_contender_in_another_interpreter_is_swept_there(
    command_line, plugins_path, tmp_path, other_python
):
    words = ["--solver", "missing-hostile", "--frontier", "--python", f"missing-*={other_python}"]
    folder, environment = tmp_path / "run", plugins_path("missing")
    done = command_line("run", *QUICK, *words, "--output", str(folder), environment=environment)
    assert done.returncode == ExitStatus.OK, done.stdout + done.stderr
    rows = read_record(folder).rows
    assert len({row.options["dt"] for row in rows}) == len(rows) > 3


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("ab2-*=/no/such/python", "/no/such/python does not start"),
        ("x-*=/no/such/python", "no contender of the run matches 'x-*'"),
        ("ab2-example", "--python takes PATTERN=PATH"),
    ],
)
def test_an_interpreter_that_cannot_be_used_is_refused(run, option, message):
    done, record = run(*QUICK, "--solver", "ab2-example", "--python", option)
    assert done.returncode == ExitStatus.USER_ERROR
    assert message in done.stderr
    assert record is None
