"""`fhnbench compare --base`: what is refused at once, and the real thing on this repository (slow)."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from fhnbench import DatasetSpec, FhnbenchError, build_dataset, environment, standard_problem
from fhnbench.exit_status import ExitStatus
from fhnbench.measure import interpreter, protocol, revision
from fhnbench.measure.delayed import delayed
from fhnbench.measure.program import OWN, Program
from fhnbench.measure.side_by_side import Question, measure_side_by_side
from fhnbench.plugins.contender import request
from fhnbench.plugins.registry import registry
from fhnbench.results.collection import read_records, session_of
from fhnbench.results.compare import compare_records
from fhnbench.results.record import Settings
from fhnbench.results.store import RUN_FILE

if TYPE_CHECKING:
    from fhnbench.results.record import RunRecord

REPOSITORY = Path(__file__).parent.parent
QUICK = ("-n", "500", "--runs", "3", "--rounds", "8", "--threads", "1")


def git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_an_unknown_revision_is_refused_by_name():
    with (
        pytest.raises(FhnbenchError, match=r"no revision 'no-such-branch' in /"),
        revision.build_revision("no-such-branch"),
    ):
        pass


def test_without_a_repository_the_remedy_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(revision.fhnbench, "__file__", str(tmp_path / "fhnbench" / "__init__.py"))
    (tmp_path / "fhnbench").mkdir()
    with (
        pytest.raises(FhnbenchError, match=r"is in no git repository.*pip install -e"),
        revision.build_revision("HEAD"),
    ):
        pass


@pytest.mark.parametrize("spoken", [99, None])
def test_a_revision_that_speaks_otherwise_is_refused(monkeypatch, spoken):
    """The check asks this interpreter, whose protocol is `VERSION`."""
    monkeypatch.setattr(protocol, "VERSION", 99)
    if spoken is None:
        monkeypatch.setattr(interpreter, "_ASK", interpreter._ASK.replace('"VERSION"', '"NO_VERSION"'))
    with pytest.raises(FhnbenchError, match=r"workers of revision old speak .*, these 99; compare two records"):
        revision._checked(sys.executable, REPOSITORY, "old", [])


def test_a_shadowed_or_broken_revision_is_refused(monkeypatch, tmp_path):
    with pytest.raises(FhnbenchError, match=r"revision old would run .*; unset PYTHONPATH"):
        revision._checked(sys.executable, tmp_path, "old", [])
    monkeypatch.setattr(interpreter, "_ASK", "import no_such_module")
    with pytest.raises(FhnbenchError, match="revision old does not start: ModuleNotFoundError"):
        revision._checked(sys.executable, tmp_path, "old", [])


def test_a_program_has_its_own_version_of_a_file(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "both").touch()
    (ours / "new").touch()
    program = Program(moved=(str(ours), str(theirs)))
    assert program.own(ours / "both") == theirs / "both"
    assert program.own(ours / "new") == ours / "new"
    assert program.own(tmp_path / "elsewhere") == tmp_path / "elsewhere"
    assert OWN.own(ours / "both") == ours / "both"


def test_the_protocol_has_not_changed_without_its_version():
    """Where this fails, raise `VERSION` unless workers of the revision before still understand, and note the digest."""

    def bare(schema):
        if isinstance(schema, dict):
            return {key: bare(value) for key, value in schema.items() if key != "description"}
        return [bare(one) for one in schema] if isinstance(schema, list | tuple) else schema

    schemas = msgspec.json.schema_components([protocol.Request, protocol.Reply])
    digest = hashlib.sha256(json.dumps(bare(schemas), sort_keys=True).encode()).hexdigest()[:12]
    assert (protocol.VERSION, digest) == (2, "c8fe6fc439d6")


@pytest.mark.slow
def test_this_revision_against_itself(command_line, tmp_path):
    output = tmp_path / "gate"
    head = git("rev-parse", "HEAD")
    words = ("compare", "--base", head, "midpoint-cpu", "itnn-cpu", *QUICK, "--output", str(output))
    done = command_line(*words, timeout_s=900)
    assert done.returncode in {ExitStatus.OK, ExitStatus.INCONCLUSIVE}, done.stdout + done.stderr
    assert f"this revision against {head}" in done.stdout
    base, candidate = read_records(output / "base"), read_records(output / "candidate")
    assert [session_of(one) for one in base] == [session_of(one) for one in candidate]
    assert len({session_of(one) for one in base}) == 3
    assert {one.environment["git"]["commit"] for one in base} == {head}
    for one in (*base, *candidate):
        assert [row.contender for row in one.rows] == ["midpoint-cpu", "itnn-cpu"]
        assert all(len(row.blocks) >= 8 for row in one.rows)
    assert "fhnbench-base-" not in git("worktree", "list")
    again = command_line("compare", str(output / "base"), str(output / "candidate"))
    assert again.returncode == done.returncode
    assert not list(tmp_path.glob(f"**/.{RUN_FILE}.*"))


@pytest.mark.slow
def test_a_revision_that_is_slower_is_found(tmp_path):
    """The base's workers are this revision's, made five times as slow: found on a busy machine too."""
    problem = standard_problem("C")
    dataset = build_dataset(DatasetSpec(problem, 500), tmp_path / "C.h5")
    base = revision.Revision("slow", "0" * 40, delayed(4.0), environment())
    question = Question(dataset, 500, [request("midpoint-cpu", "solver", registry())])
    fractions: list[float] = []

    def report(what: str, fraction: float) -> None:
        fractions.append(fraction)

    def save(side: str, number: int, record: RunRecord) -> None:
        assert record.rows

    sides = measure_side_by_side(
        base,
        question,
        Settings(threads=1, rounds=15, time_budget_s=120),
        3,
        save,
        report,
    )
    assert fractions == sorted(fractions)
    (found,) = compare_records(sides["base"], sides["candidate"]).rows
    assert found.speed.ratio.paired
    assert found.speed.ratio.processes == (3, 3)
    assert found.speed.verdict == "faster"
    assert found.speed.ratio.value < 0.5
    assert found.accuracy.verdict == "same"
