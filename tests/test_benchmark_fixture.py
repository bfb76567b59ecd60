"""The public fixture of `fhnbench.testing.benchmark`, with the commands that the README shows for tracking speed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import pytest
from fhnbench.testing.benchmark import contender_benchmark

NAMES = ["ab2-example", "ab2-example[dt=0.05,precision=float64]", "itnn-example[hidden=7x7]"]

@pytest.mark.parametrize("contender", NAMES)
def test_speed(contender_benchmark, contender):
    contender_benchmark(contender, "B", size=200, threads=1, time_budget_s=0.05)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plugin author's test, run once with its times saved."""
    path = tmp_path_factory.mktemp("author")
    (path / "test_speed.py").write_text(MODULE)
    (path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return path


@pytest.fixture
def pytest_in(folder, plugins_path):
    """Run pytest, or pytest-benchmark, in the folder, with the example plugin."""

    def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=folder,
            env=plugins_path("example"),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


@pytest.fixture
def saved(folder, pytest_in) -> Path:
    if not (files := list(folder.glob(".benchmarks/*/0001_base.json"))):
        done = pytest_in("pytest", "-q", "-rs", "--benchmark-save=base")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 passed, 1 skipped" in done.stdout
        assert "fhnbench train itnn --problem B --hidden 7,7" in done.stdout.replace("\n", " ")
        files = list(folder.glob(".benchmarks/*/0001_base.json"))
    return files[0]


def test_saved_benchmarks_hold_times_errors_roofline_and_environment(saved):
    single, double = json.loads(saved.read_text())["benchmarks"]
    assert single["group"] == "problem B, 200 samples, float32"
    assert double["group"] == "problem B, 200 samples, float64"
    assert double["extra_info"]["effective"] == {"device": "cpu", "precision": "float64"}
    for found in (single, double):
        info, stats = found["extra_info"], found["stats"]
        assert stats["rounds"] >= 5
        assert stats["iterations"] * stats["median"] > 1e-3
        assert info["samples_per_s"] == pytest.approx(200 / stats["median"])
        assert info["roofline_fraction"] == pytest.approx(info["floor_s"] / stats["median"])
        assert 0 < info["roofline_fraction"] < 1
        assert 1e-6 < info["accuracy"]["mae"] < 0.1
        assert info["environment"]["packages"]["fhnbench"]
    assert double["extra_info"]["accuracy"]["mae"] < single["extra_info"]["accuracy"]["mae"]


@pytest.mark.slow
def test_a_comparison_fails_on_a_regression_and_draws_a_histogram(saved, folder, pytest_in):
    data = json.loads(saved.read_text())
    for found in data["benchmarks"]:
        for name in ("min", "median", "max", "mean"):
            found["stats"][name] /= 1000
    saved.with_name("0002_faster.json").write_text(json.dumps(data))
    words = ("pytest", "-q", "--benchmark-compare=0002", "--benchmark-histogram=times")
    done = pytest_in(*words, "--benchmark-compare-fail=median:10%")
    assert done.returncode != 0
    assert "Performance has regressed" in done.stdout + done.stderr
    assert list(folder.glob("times*.svg"))


@pytest.mark.slow
def test_saved_benchmarks_are_compared_on_the_command_line(saved, pytest_in):
    done = pytest_in("pytest_benchmark", "compare", "0001", "--columns=median,iqr,rounds")
    assert done.returncode == 0, done.stderr
    assert "ab2-example" in done.stdout
