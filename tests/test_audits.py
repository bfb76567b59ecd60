"""The audits of every run: the right pass, and each wrong contender is caught by the audit that is meant for it."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import Ensemble, Workload, reference_trajectories, standard_problem
from fhnbench.exit_status import ExitStatus
from fhnbench.measure.audits import AuditFailed, audit
from fhnbench.measure.blocks import DRIFT, LEAK_BLOCKS, LEAK_BYTES, WAITED, disturbance, leak
from fhnbench.measure.outputs import OutputAudit
from fhnbench.problem import VARIABLES
from fhnbench.results.store import read_record
from mutants import base, contract, state, timing
from mutants.plugin import contender

TESTS = Path(__file__).parent
PROBLEM = standard_problem("C")
SIZE = 256

CAUGHT: dict[type, str] = {
    timing.RemembersResults: "audit repeated-input: a run takes",
    timing.RunsOnce: "audit repeated-input: a run takes",
    timing.ReturnsEarly: "audit still-running: the output changes after synchronize has returned",
    timing.WrongStream: "audit still-running: the output takes",
    timing.EverySecondPoint: "audit save-points: save point 1 lies on the line between its neighbours",
    timing.RepeatsPoints: "audit save-points: save point 3 repeats the one before",
    timing.Tires: "audit timed-output: ",
    state.WritesInputs: "audit inputs-written: ",
    state.RemembersFirstInputs: "audit perturbed-input: other inputs for sample",
    state.RemembersAddress: "audit perturbed-input: other inputs for sample",
    state.StaleOutput: "audit perturbed-input: other inputs for sample",
    state.AdvancesInPlace: "audit rerun: run again after one upload, ",
    state.ComputesInOutput: "audit output-of-last-run: the output changes by an upload",
    contract.SinglePrecision: "audit precision: declares float64, yet a change of u0 by 256 units in the last place",
    contract.HalfInputs: "audit precision: declares float32, yet a change of u0 by 256 units in the last place",
    contract.NotFinite: "audit output: output holds inf for w at save point 50",
    contract.WrongFirstPoint: "audit output: the first save point of u is not the initial state",
    contract.OffByOne: "audit save-points: save point 1 repeats the one before",
}
"""In a process of this test's own; the others need a worker's."""

CAUGHT_IN_A_RUN: dict[type, str] = {
    **CAUGHT,
    timing.KeepsOutputs: "audit leak: the worker holds",
    contract.FallsBack: "audit effective: computes in float32, asked was float16",
    state.WritesInputsOpenly: "ValueError: assignment destination is read-only",
}
PRECISION = {contract.SinglePrecision: "float64", contract.FallsBack: "float16"}


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return PROBLEM.sample(SIZE, seed=3)


@pytest.fixture(scope="module")
def reference(ensemble: Ensemble) -> Any:
    return reference_trajectories(PROBLEM, ensemble)[0]


def audited(solver: Any, ensemble: Ensemble, reference: Any, precision: Any = "float32", rounds: int = 8) -> None:
    """Do to a solver what a run does: audit it, time some rounds, audit their outputs."""
    workload = Workload.of(PROBLEM, SIZE, precision)
    given = ensemble.astype(workload.dtype)
    columns = {name: np.concatenate([getattr(given, name)] * 2) for name in VARIABLES}
    kept = {name: column.copy() for name, column in columns.items()}

    def at(shift: int) -> Ensemble:
        views = {name: column[shift : shift + SIZE] for name, column in columns.items()}
        for view in views.values():
            view.flags.writeable = False
        return Ensemble(**views, model=workload.model)

    execution = solver.prepare(workload)
    outputs = OutputAudit(PROBLEM, ensemble, reference, workload)
    execution.upload(at(0))
    execution.run()
    execution.synchronize()
    audit(execution, at, workload, PROBLEM.varied)
    for number in range(rounds):
        execution.upload(at(16 * number))
        execution.run()
        execution.synchronize()
        check = outputs.later if number else outputs.first
        check(execution.output(), 16 * number)
    if any(not np.array_equal(columns[name], kept[name]) for name in VARIABLES):
        raise AuditFailed("inputs-written", "")  # as the worker does
    execution.close()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_right_one_passes(ensemble, reference, precision) -> None:
    audited(base.Heun(), ensemble, reference, precision)


@pytest.mark.parametrize("mutant", CAUGHT, ids=lambda mutant: mutant.__name__)
def test_a_wrong_one_is_caught_by_name(mutant, ensemble, reference) -> None:
    with pytest.raises(AuditFailed) as failed:
        audited(mutant(), ensemble, reference, PRECISION.get(mutant, "float32"))
    assert str(failed.value).startswith(CAUGHT[mutant])


def test_names_of_what_was_passed(ensemble) -> None:
    workload = Workload.of(PROBLEM, SIZE)
    execution = base.Heun().prepare(workload)
    execution.upload(ensemble.astype(np.float32))
    execution.run()
    names = {
        "still-running",
        "rerun",
        "output-of-last-run",
        "perturbed-input",
        "precision",
        "repeated-input",
        "inputs-written",
        "output",
    }
    assert set(audit(execution, lambda _: ensemble.astype(np.float32), workload, PROBLEM.varied)) == names
    alike = set(audit(execution, lambda _: ensemble.astype(np.float32), workload, ()))
    assert alike == names - {"perturbed-input", "precision"}


def test_a_machine_that_hiccups_raises_no_alarm(ensemble, reference, monkeypatch) -> None:
    """Every second run takes ten times as long as the others: no memory of inputs does that."""
    number = itertools.count()

    class Hiccups(base.Wrapping):
        def run(self) -> None:
            for _ in range(6 if next(number) % 2 else 1):
                self.inner.run()

    class Disturbed(base.Wrapped):
        execution = Hiccups

    for _ in range(2):
        next(number)
        audited(Disturbed(0.25), ensemble, reference)


def test_a_single_slow_fetch_raises_no_alarm(ensemble, reference) -> None:
    """The suspicion that something still ran is dropped, and the audits that follow see the inputs they should."""
    number = itertools.count()

    class SlowOnce(base.Wrapping):
        def output(self) -> Any:
            if next(number) == 1:  # the first is not timed
                time.sleep(0.02)
            return self.inner.output()

    class Disturbed(base.Wrapped):
        execution = SlowOnce

    audited(Disturbed(0.25), ensemble, reference)
    assert next(number) > 10


@given(st.lists(st.integers(0, 2**40), max_size=40))
def test_memory_that_ever_stays_or_falls_is_no_leak(memory) -> None:
    grows = all(after > before for before, after in itertools.pairwise(memory[-LEAK_BLOCKS - 1 :]))
    found = leak(memory)
    assert (found is not None) == (
        len(memory) > LEAK_BLOCKS and grows and memory[-1] - memory[-LEAK_BLOCKS - 1] >= LEAK_BYTES
    )


def test_leak_is_told_by_the_block() -> None:
    assert leak([number * LEAK_BYTES for number in range(LEAK_BLOCKS + 1)]) == LEAK_BYTES
    assert leak([None] * 20) is None


def test_what_disturbs_a_block() -> None:
    assert disturbance(None, None, [], throttled=False) == ""
    assert disturbance(WAITED, 3000, [3000, None], throttled=False) == ""
    assert disturbance(2 * WAITED, 3000, [3000], throttled=False) == "its threads waited for a CPU for 10% of the time"
    assert disturbance(0, 0.9 * DRIFT * 3000, [3000], throttled=False) == "the clock fell from 3000 to 2430 MHz"
    assert disturbance(0, 3000, [3000], throttled=True) == "the clock was throttled"


@pytest.fixture
def mutants_path(tmp_path):
    """Return an environment in which the mutants are installed, as pip would."""
    metadata = tmp_path / "site" / "fhnbench_mutants-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fhnbench-mutants\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[fhnbench]\nmutants = mutants.plugin\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(metadata.parent), str(TESTS)])}


def run_mutants(command_line, environment, tmp_path, mutants, rounds):
    names = []
    for mutant in mutants:
        options = f"[precision={PRECISION[mutant]}]" if mutant in PRECISION else ""
        names += ["--solver", contender(mutant) + options]
    output = tmp_path / "run"
    asked = ("-n", str(SIZE), "--rounds", str(rounds), "--time-budget", "600", *names, "--output", str(output))
    done = command_line("run", *asked, environment=environment, timeout_s=600)
    assert (output / "run.json").exists(), done.stderr
    return done, dict(zip(mutants, read_record(output).rows, strict=True))


def test_in_a_run_a_mutant_s_row_names_the_audit_and_the_rest_runs(command_line, mutants_path, tmp_path) -> None:
    mutants = [base.Heun, timing.Boasts, timing.KeepsOutputs, timing.LeavesCycles]
    done, rows = run_mutants(command_line, mutants_path, tmp_path, mutants, rounds=12)
    assert done.returncode == ExitStatus.DID_NOT_RUN
    assert rows[base.Heun].status == "ran"
    assert {"inputs-written", "timed-output", "leak"} <= set(rows[base.Heun].audits)
    assert rows[timing.KeepsOutputs].status == "failed"
    assert rows[timing.KeepsOutputs].reason.startswith(CAUGHT_IN_A_RUN[timing.KeepsOutputs])
    assert rows[timing.LeavesCycles].status == "ran"
    assert rows[timing.Boasts].roofline_fraction > 1
    assert "above 100% of its roofline" in done.stdout.replace("\n", " ")


@pytest.mark.slow
def test_in_a_run_every_mutant_is_caught_by_name(command_line, mutants_path, tmp_path) -> None:
    _, rows = run_mutants(command_line, mutants_path, tmp_path, list(CAUGHT_IN_A_RUN), rounds=30)
    assert len(rows) >= 12
    for mutant, row in rows.items():
        assert (row.status, row.reason[: len(CAUGHT_IN_A_RUN[mutant])]) == ("failed", CAUGHT_IN_A_RUN[mutant])
