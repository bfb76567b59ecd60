"""Runs that are cut short, resumed, refused a disk, or too large to be prepared at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import FhnbenchError, open_dataset, standard_dataset, standard_problem
from fhnbench.exit_status import ExitStatus
from fhnbench.files import require_writable
from fhnbench.measure.environment import environment
from fhnbench.measure.session import LIVE_WORKERS, Session, grouped
from fhnbench.plugins.contender import request
from fhnbench.plugins.registry import registry
from fhnbench.results.record import Settings
from fhnbench.results.resume import require_same
from fhnbench.results.store import RUN_FILE, encode, read_record
from processes import processes_with, wait_for_file, wait_until, workers_of
from records import record

QUICK = ("-n", "200", "--rounds", "2", "--time-budget", "600")  # so that a busy machine has two rounds, too


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    os.environ["FHNBENCH_DATASETS"] = str(folder)
    yield folder
    del os.environ["FHNBENCH_DATASETS"]


@pytest.fixture(scope="module")
def dataset(datasets):
    return open_dataset(standard_dataset(standard_problem("C"), 64))


class TestGroups:
    @given(count=st.integers(0, 300), most=st.integers(2, 32), seed=st.integers(0, 100))
    def test_each_contender_is_in_one_group_and_groups_are_bounded(self, count, most, seed):
        groups = grouped(range(count), random.Random(seed), most)
        assert sorted(member for group in groups for member in group) == list(range(count))
        if len(groups) > 1:
            assert max(map(len, groups)) <= most - 1  # and the anchor
            assert max(map(len, groups)) - min(map(len, groups)) <= 1
        else:
            assert groups == [list(range(count))]
            assert count <= most

    def test_two_hundred_contenders_in_few_workers(self):
        assert max(map(len, grouped(range(200), random.Random(0), LIVE_WORKERS))) < LIVE_WORKERS


class TestSameRun:
    @pytest.fixture
    def earlier(self, dataset):
        earlier = record()
        now = msgspec.to_builtins(environment())
        kept = msgspec.structs.replace(earlier.dataset, digest=dataset.digest)
        return msgspec.structs.replace(earlier, dataset=kept, environment=now)

    def test_the_same_is_accepted(self, earlier, dataset):
        require_same(earlier, dataset, {"threads": 2}, environment())

    def test_each_difference_is_named(self, earlier, dataset):
        now = environment()
        now["cpu"] = "Another CPU"
        now["packages"] = {**now["packages"], "numpy": "0.1"}
        changed = msgspec.structs.replace(earlier, dataset=msgspec.structs.replace(earlier.dataset, digest="ff" * 32))
        with pytest.raises(FhnbenchError) as refused:
            require_same(changed, dataset, {"threads": 3, "rounds": 200}, now)
        for part in ("threads was 2, is 3", "cpu was", "is Another CPU", "numpy was", "is 0.1", "the dataset was ffff"):
            assert part in str(refused.value)
        assert "rounds" not in str(refused.value)


def test_a_full_disk_meanwhile_and_a_clock_that_jumps_end_no_run(dataset, monkeypatch):
    """Checkpoints that cannot be written are left out; the clock on the wall is not used to measure."""
    tries, saved = [], []
    monkeypatch.setattr("fhnbench.measure.session.SAVE_EVERY_S", 0.0)
    jumps = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: (-1) ** next(jumps) * 1e6)

    def save(found):
        tries.append(found)
        if not found.complete:
            raise FhnbenchError("cannot write run.json: No space left on device")
        saved.append(found)

    chosen = [request("euler-cpu", "solver", registry())]
    Session(dataset, 64, chosen, Settings(rounds=3), save).run()
    assert len(tries) > 1
    assert [row.status for row in saved[0].rows] == ["ran"]
    assert all(block.compute_s > 0 and block.started_s >= 0 for block in saved[0].rows[0].blocks)


@pytest.fixture
def run(command_line, plugins_path, datasets):
    def start(*arguments, plugins=("example",), timeout_s=300):
        return command_line("run", *arguments, environment=plugins_path(*plugins), timeout_s=timeout_s)

    return start


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(run, tmp_path):
    (tmp_path / "file").touch()
    done = run("--solver", "ab2-example[dt=0.001]", "-n", "200", "--output", str(tmp_path / "file" / "run"))
    assert done.returncode == ExitStatus.USER_ERROR
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_is_no_folder_of_results(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FhnbenchError, match="is a file, not a folder; give another"):
        require_writable(tmp_path / "file")


def test_resume_measures_what_is_missing_and_keeps_the_rest(run, tmp_path):
    output = tmp_path / "run"
    done = run(*QUICK, "--solver", "ab2-example", "--solver", "ab2-example[dt=0.05]", "--output", str(output))
    assert done.returncode == ExitStatus.OK, done.stderr
    whole = read_record(output)
    first, second = whole.rows
    cut = msgspec.structs.replace(second, finished=False)
    (output / RUN_FILE).write_text(encode(msgspec.structs.replace(whole, rows=(first, cut), complete=False)))
    (output / f".{RUN_FILE}.abc.tmp").write_text("{")
    refused = run("--resume", str(output), "--rounds", "3")
    assert refused.returncode == ExitStatus.USER_ERROR
    assert "rounds was 2, is 3" in refused.stderr
    done = run("--resume", str(output))
    assert done.returncode == ExitStatus.OK, done.stderr
    assert not list(output.glob(".*"))
    again = read_record(output)
    assert again.complete
    assert again.rows[0] == first
    assert again.rows[1].finished
    assert again.rows[1].blocks != second.blocks
    assert again.rows[1].blocks[0].round > first.blocks[-1].round
    assert (again.created, again.command, again.session) == (whole.created, whole.command, whole.session)


def test_resume_needs_a_run(run, tmp_path):
    done = run("--resume", str(tmp_path))
    assert done.returncode == ExitStatus.USER_ERROR
    assert "a run's folder holds run.json" in done.stderr


@pytest.fixture
def long_run(plugins_path, tmp_path, datasets):
    """Start a run of some contenders that takes a while; return the process and its folder once it has measured.

    A round takes more than a second, and no time is known before nine of them.
    """
    output = tmp_path / "run"
    names = [word for dt in (0.005, 0.002, 0.001) for word in ("--solver", f"ab2-example[dt={dt}]")]
    command = [sys.executable, "-m", "fhnbench", "run", "-n", "2000", *names, "--time-budget", "600"]
    process = subprocess.Popen(
        [*command, "--rounds", "100000", "--output", str(output)],
        env=plugins_path("example"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_file(process, output / RUN_FILE)
    yield process, output
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.usefixtures("datasets")
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
class TestKills:
    def test_a_killed_worker_is_one_row(self, long_run):
        process, output = long_run
        os.kill(min(workers_of(process)), signal.SIGKILL)  # a contender's: the probe's was started last

        def settled():  # until then, rows that were not measured yet are failed, too
            rows = read_record(output).rows
            return sorted(row.status for row in rows) == ["failed", "ran", "ran"]

        wait_until(settled, "nobody saw that a worker was killed, or the others did not go on")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
        reasons = [row.reason for row in read_record(output).rows if row.status == "failed"]
        assert len(reasons) == 1
        assert "killed by SIGKILL" in reasons[0]

    @pytest.mark.parametrize("delay_s", [0.0, 0.3, 1.0, 2.5])
    def test_a_killed_coordinator_leaves_a_whole_record_and_can_be_resumed(self, long_run, run, delay_s):
        process, output = long_run
        time.sleep(delay_s)
        workers = workers_of(process)
        process.kill()
        process.communicate(timeout=300)
        assert not read_record(output).complete
        wait_until(
            lambda: not set(workers) & set(processes_with("fhnbench.measure.worker")),
            "workers outlived the coordinator",
        )
        found = read_record(output)
        few = msgspec.structs.replace(found.settings, rounds=2)
        (output / RUN_FILE).write_text(encode(msgspec.structs.replace(found, settings=few)))
        done = run("--resume", str(output))
        assert done.returncode == ExitStatus.OK, done.stderr
        assert [row.status for row in read_record(output).rows] == ["ran"] * 3
        assert not [path.name for path in output.iterdir() if path.name.endswith(".tmp")]

    def test_two_hundred_contenders_keep_processes_and_memory_bounded(self, plugins_path, tmp_path):
        output = tmp_path / "run"
        names = [word for n in range(2, 202) for word in ("--solver", f"ab2-example[dt={1 / n:.12g}]")]
        command = [sys.executable, "-m", "fhnbench", "run", "-n", "64", "--rounds", "1", *names]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--output", str(output)], env=plugins_path("example"), cwd=tmp_path, stdout=log, stderr=log
            )
            most = 0
            while process.poll() is None:
                most = max(most, len(workers_of(process)))
                time.sleep(0.2)
        assert process.returncode == ExitStatus.OK, (tmp_path / "log").read_text()
        assert 2 < most <= LIVE_WORKERS + 2  # and probes
        assert len(read_record(output).rows) == 200


@pytest.mark.slow
def test_a_disk_that_is_full_loses_nothing_that_was_written(run, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        names = [word for n in range(1, 9) for word in ("--solver", f"ab2-example[dt={1 / n:.12g}]")]
        done = run("-n", "64", "--rounds", "200", *names, "--output", str(disk / "run"))
        assert done.returncode == ExitStatus.USER_ERROR
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert [path.name for path in (disk / "run").iterdir()] == [RUN_FILE]
        assert read_record(disk / "run").rows
    finally:
        subprocess.run(["umount", str(disk)], check=True)
