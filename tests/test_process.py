"""A worker seen from the coordinator: whatever its process does, an answer or a reason comes, and nothing is left."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from fhnbench.measure import process, protocol
from fhnbench.measure.process import WorkerLost, WorkerProcess
from processes import processes_with, wait_until

if TYPE_CHECKING:
    from pathlib import Path

DESCRIBE = protocol.Describe("euler-cpu", "solver")


@pytest.fixture
def worker_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that starts a worker whose program is a text."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def start(program: str) -> WorkerProcess[protocol.Reply]:
        (tmp_path / "stand_in.py").write_text(program)
        return WorkerProcess(1, "stand_in", protocol.replies, arguments=[str(tmp_path)])

    return start


def test_one_that_ends_says_why(worker_of) -> None:
    with worker_of("import sys; sys.exit('it does not want to')") as worker, pytest.raises(WorkerLost) as lost:
        worker.ask(DESCRIBE, 300)
    assert str(lost.value) == "its process ended with exit status 1: it does not want to"


def test_one_that_closes_its_pipes_and_goes_on_is_ended(worker_of, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.1)
    worker = worker_of("import os, time; os.closerange(0, 2); time.sleep(600)")
    with pytest.raises(WorkerLost, match="its process closed its pipes and went on"):
        worker.ask(DESCRIBE, 300)
    if sys.platform == "linux":
        wait_until(lambda: not processes_with(f"stand_in\0{tmp_path}"), "the worker goes on")


def test_a_process_that_has_its_number_later_is_left_alone(worker_of, monkeypatch) -> None:
    worker = worker_of("")
    worker.close()
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: killed.append(group))
    worker.close()
    assert killed == []
