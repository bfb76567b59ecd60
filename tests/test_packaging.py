"""What is installed, pinned and shipped: nothing that CI should test may be skipped because it is missing."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

OURS = "fhnbench"


@pytest.fixture(scope="module")
def project(pytestconfig):
    return tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text())["project"]


def requirements_of(project, extra: str) -> list[Requirement]:
    """Return what an extra asks for, its own extras resolved."""
    found = []
    for text in project["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == OURS:
            found += [inner for name in requirement.extras for inner in requirements_of(project, name)]
        else:
            found.append(requirement)
    return found


def test_everything_that_ci_installs_is_there(project):
    wanted = [*map(Requirement, project["dependencies"]), *requirements_of(project, "test")]
    for requirement in wanted:
        version = importlib.metadata.version(requirement.name)
        assert requirement.specifier.contains(version, prereleases=True), (requirement, version)


def test_constraints_pin_everything_that_ci_installs(project, pytestconfig):
    lines = (pytestconfig.rootpath / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    waiting = [*map(Requirement, project["dependencies"]), *requirements_of(project, "test")]
    seen = set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop().name).lower()
        if name in seen:
            continue
        seen.add(name)
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement)
    assert seen - {"setuptools", "pip"} <= pinned


def test_readme_has_the_two_commands_that_ci_runs(pytestconfig):
    text = (pytestconfig.rootpath / "README.md").read_text()
    for marker, end in (("run", "fhnbench run"), ("test", "pytest -n auto")):
        block = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```", text, re.DOTALL)
        assert block is not None
        assert block[1].startswith("python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ")
        assert block[1].endswith(end)


def test_wheel_holds_the_packages_their_artifacts_and_nothing_else(pytestconfig, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"fhnbench/py.typed", "fhnbench/__init__.pyi", "fhnbench_cpu/solvers.py"} <= set(names)
    assert {"fhnbench/example_plugin/pyproject.toml", "fhnbench/example_plugin/tests/test_ab2.py"} <= set(names)
    artifacts = [name for name in names if name.endswith(".safetensors")]
    assert {name.split("/")[0] for name in artifacts} >= {"fhnbench_ddnn", "fhnbench_itnn", "fhnbench_pinn"}
    packages = {name.split("/")[0] for name in names if not name.endswith("/") and ".dist-info/" not in name}
    assert all(re.fullmatch(r"fhnbench(_\w+)?", package) for package in packages)
    assert not [name for name in names if re.search(r"\.(h5|pyc|checkpoint|tmp)$", name)]
