"""`fhnbench selftest`: the counting, the delayed worker, and the command on simulated clocks and on this machine's."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from click.testing import CliRunner

from fhnbench.__main__ import cli
from fhnbench.exit_status import ExitStatus
from fhnbench.measure.delayed import DelayedExecution
from fhnbench.measure.selftest import Pool
from fhnbench.plugins.interfaces import Effective, Execution
from fhnbench.results.selftest import SELFTEST_FILE
from fhnbench.statistics.noise import QUIET
from fhnbench.statistics.power import found_delays


def silent(what: str, fraction: float) -> None:
    assert 0 <= fraction <= 1


def test_false_alarms_are_at_their_level_and_power_is_as_stated():
    generator = np.random.default_rng(3)
    rows = found_delays("quiet", lambda delay: QUIET.times(generator, 5, 20, [0, delay]), [0.01, 0.05], 100, silent)
    assert [row.delay for row in rows] == [0, 0.01, 0.05]
    assert all(row.kept for row in rows)
    assert rows[0].found <= 0.12
    assert rows[1].found == pytest.approx(rows[1].stated, abs=0.15)
    assert rows[2].found == 1


def test_too_many_alarms_and_too_little_power_are_told():
    """Where the two sides differ from process to process in the same way, they are never equal."""
    generator = np.random.default_rng(2)

    def biased(delay: float):
        base, candidate = QUIET.times(generator, 5, 20, [0, 0.02 if delay == 0 else 0])
        return base, candidate

    alarms, missed = found_delays("biased", biased, [0.05], 30, silent)
    assert not alarms.kept
    assert not missed.kept


def test_a_pool_gives_runs_at_random_and_pairs_them():
    clock = QUIET.times(np.random.default_rng(0), 8, 5, [0, 0, 0.05])
    pool = Pool({0.0: clock[:2], 0.05: clock[2:]})
    assert pool.runs == 8
    generator = random.Random(0)
    seen = set()
    for _ in range(20):
        base, candidate = pool.draw(generator, 3, 0.05)
        assert base.keys() == candidate.keys()
        assert len(base) == 3
        assert all(candidate[name] == clock[2][name] for name in base)
        seen |= base.keys()
        one, other = pool.draw(generator, 3, 0.0)
        assert all(one[name] != other[name] for name in one)
    assert seen == set(clock[0])


def test_a_delayed_run_takes_so_much_longer(monkeypatch):
    now = [0.0]

    def clock() -> float:
        now[0] += 1e-5
        return now[0]

    class Fake(Execution):
        effective = Effective("cpu", "float32")

        def upload(self, ensemble): ...

        def run(self):
            now[0] += 1.0

        def synchronize(self): ...

        def output(self):
            return np.zeros(1)

        def close(self): ...

    monkeypatch.setattr("time.perf_counter", clock)
    for share in (0.0, 0.02, 0.5):
        start = now[0]
        DelayedExecution(Fake(), share).run()
        assert now[0] - start == pytest.approx(1 + share, abs=1e-3)


def test_the_command_on_simulated_clocks(tmp_path):
    arguments = ["selftest", "--simulated", "--repetitions", "40", "--rounds", "15", "--output", str(tmp_path)]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None
    assert done.return_value == ExitStatus.OK, done.output
    data = json.loads((tmp_path / SELFTEST_FILE).read_text())
    assert data["schema"] == "fhnbench.selftest/1"
    assert [(row["clock"], row["delay"]) for row in data["rows"]] == [
        (clock, delay) for clock in ("simulated, quiet", "simulated, busy") for delay in (0, 0.01, 0.02, 0.05)
    ]
    for row in data["rows"]:
        assert f"{row['found']:.1%}" in done.output
        assert f"| {row['found']:.1%} |" in (tmp_path / "table.md").read_text()
    again = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert "holds a run already" in str(again.exception)


@pytest.mark.slow
def test_the_command_on_this_machine(command_line, tmp_path):
    words = ("--processes", "2", "--rounds", "8", "--repetitions", "20", "--time-budget", "1", "-n", "1000")
    done = command_line("selftest", *words, "--output", str(tmp_path / "test"), timeout_s=600)
    assert done.returncode in {ExitStatus.OK, ExitStatus.GATE_FAILED}, done.stderr
    data = json.loads((tmp_path / "test" / SELFTEST_FILE).read_text())
    assert data["runs"] >= 4
    assert {delay: len(processes) for delay, processes in data["times"].items()} == {
        "0.0": 2,
        "0.01": 1,
        "0.02": 1,
        "0.05": 1,
    }
    assert all(len(one) == data["runs"] for processes in data["times"].values() for one in processes)
