"""``fhnbench new``: what it writes works at once, under its own names."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhnbench import FhnbenchError
from fhnbench.exit_status import ExitStatus
from fhnbench.plugins.scaffold import KINDS, scaffold

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CommandLine

NAMES = {"solver": "leapfrog", "surrogate": "table", "runtime": "mine"}
CONTENDERS = {"solver": "leapfrog-numpy", "surrogate": "table-cpu", "runtime": "ddnn-mine"}


def install(source: Path, site: Path) -> dict[str, str]:
    """Install a distribution into a folder; return an environment that has it."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(site), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_there_and_nothing_of_the_example_is_left(kind, command_line: CommandLine, tmp_path):
    folder = tmp_path / "new"
    done = command_line("new", kind, NAMES[kind], "--directory", str(folder))
    assert done.returncode == ExitStatus.OK, done.stderr
    assert f"Next: cd {folder} && pip install -e '.[test]' && pytest" in done.stdout
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {f"  {path}" for path in files} == set(done.stdout.splitlines()[:-1])
    assert not [path for path in files if "example" in path.read_text() or "example" in path.name]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"fhnbench-{NAMES[kind]}"
    shown = command_line("plugins", environment=install(folder, tmp_path / "site"))
    rows = [line.split()[:2] for line in shown.stdout.splitlines()]
    assert [CONTENDERS[kind], "solver" if kind == "solver" else "surrogate"] in rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass_and_find_a_fault(kind, tmp_path):
    folder = tmp_path / "new"
    scaffold(kind, NAMES[kind], folder)
    environment = install(folder, tmp_path / "site")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_solver_may_be_named_with_its_backend(tmp_path):
    scaffold("solver", "leapfrog-mine", tmp_path / "new")
    assert 'name="leapfrog-mine"' in (tmp_path / "new/fhnbench_leapfrog_mine/plugin.py").read_text()
    assert "class LeapfrogMine(Solver)" in (tmp_path / "new/fhnbench_leapfrog_mine/leapfrog_mine.py").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("solver", "Leap", "solver name 'Leap-numpy': use lower-case letters, digits, '_' and '-'"),
        ("runtime", "a-b", "runtime name 'a-b': use lower-case letters, digits, and '_'"),
        ("surrogate", "2fast", "surrogate name '2fast'"),
        ("runtime", "class", "'class' is a word of Python's; choose another name"),
        ("solver", "euler-cpu", "solver 'euler-cpu' is declared by fhnbench already; choose another name"),
        ("surrogate", "ddnn", "surrogate 'ddnn' is declared by fhnbench already"),
        ("runtime", "cpu", "runtime 'cpu' is declared by fhnbench already"),
    ],
)
def test_names_that_cannot_be_are_refused(kind, name, message, command_line: CommandLine, tmp_path):
    done = command_line("new", kind, name, "--directory", str(tmp_path / "new"))
    assert done.returncode == ExitStatus.USER_ERROR
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(command_line: CommandLine, tmp_path):
    (tmp_path / "precious").write_text("")
    done = command_line("new", "solver", "leapfrog", "--directory", str(tmp_path))
    assert done.returncode == ExitStatus.USER_ERROR
    assert done.stderr == f"Error: {tmp_path} holds something; give another --directory\n"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(kind=st.sampled_from(KINDS), name=st.from_regex(r"[a-z][a-z0-9_]{0,8}(-[a-z0-9_]{1,8})?", fullmatch=True))
def test_whatever_the_name_modules_parse_and_the_project_names_them(kind, name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("new")
    try:
        files = scaffold(kind, name, folder)
    except FhnbenchError:
        assert not any(folder.iterdir())
        return
    for file in files:
        if file.suffix == ".py":
            compile((folder / file).read_text(), file, "exec")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (target,) = project["entry-points"]["fhnbench"].values()
    assert (folder / f"{target.replace('.', '/')}.py").is_file()
