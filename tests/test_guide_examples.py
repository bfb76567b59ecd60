"""The guide's solvers in C and on another array library keep what a contender owes."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from conftest import TESTS
from fhnbench import Workload, standard_problem
from fhnbench.plugins.contender import SolverContender
from fhnbench.testing import Check, Subject, conformance_checks

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = TESTS / "guide_examples"
PROBLEM = standard_problem("C")


def imported(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Compile the library as the guide says, beside the module."""
    folder = tmp_path_factory.mktemp("heun")
    for name in ("heun.c", "heun_in_c.py"):
        shutil.copy(EXAMPLES / name, folder)
    guide = " ".join((TESTS.parent / "plugins" / "README.md").read_text().split())
    (single,) = re.findall(r"`(cc [^`]*)`", guide)
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler: cc is not installed")
    double = single.replace("=float", "=double").replace("float32", "float64")
    for line in (single, double):
        subprocess.run([*shlex.split(line), "-Wall", "-Werror"], cwd=folder, check=True)
    return Subject("heun-c", SolverContender(imported(folder / "heun_in_c.py").Heun()), PROBLEM)


@pytest.fixture(scope="module")
def by_dlpack() -> Subject:
    solver = imported(EXAMPLES / "midpoint_by_dlpack.py").Midpoint()
    return Subject("midpoint-dlpack", SolverContender(solver), PROBLEM)


CHECKS = [check for check in conformance_checks("solver") if check.name != "declaration"]  # they have no spec


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_solver_in_c(check: Check, in_c: Subject) -> None:
    check.function(in_c)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_solver_by_dlpack(check: Check, by_dlpack: Subject) -> None:
    check.function(by_dlpack)


def test_its_output_is_the_librarys_memory(by_dlpack: Subject) -> None:
    execution = by_dlpack.contender.prepare(Workload.of(PROBLEM, 10))
    first = execution.output()
    execution.upload(PROBLEM.sample(10, seed=3).astype(np.dtype("float32")))
    execution.run()
    assert first.ctypes.data == execution.output().ctypes.data
    assert np.isfinite(first).all()
