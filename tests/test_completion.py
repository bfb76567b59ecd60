"""What a shell proposes for contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from conftest import CommandLine


@pytest.fixture
def complete():
    from fhnbench.cli._completion import Contender

    def proposed(incomplete: str, *kinds):
        return [
            item.value for item in Contender(*(kinds or ("solver", "surrogate"))).shell_complete(None, None, incomplete)
        ]

    return proposed


def test_names_that_begin_like_what_is_typed(complete):
    assert {"euler-cpu", "euler-numpy"} <= set(complete("eul"))
    assert all(name.startswith("eul") for name in complete("eul"))
    assert complete("eul", "surrogate") == []
    assert "ddnn-cpu" in complete("", "surrogate")


def test_options_behind_the_bracket(complete):
    assert set(complete("euler-cpu[")) >= {"euler-cpu[dt=", "euler-cpu[precision=float64"}
    assert complete("euler-cpu[dt=0.1,prec") == [
        f"euler-cpu[dt=0.1,precision={name}" for name in ("float16", "bfloat16", "float32", "float64")
    ]
    assert "ddnn-cpu[hidden=" in complete("ddnn-cpu[h")
    assert complete("no-such[") == []


def test_bash_asks_and_is_answered(command_line: CommandLine, monkeypatch):
    import os

    asked = {"_FHNBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "fhnbench run --solver midp", "COMP_CWORD": "3"}
    done = command_line(environment={**os.environ, **asked})
    assert done.returncode == ExitStatus.OK, done.stderr
    assert "plain,midpoint-cpu" in done.stdout.splitlines()
