"""Fixtures: distributions that are really installed, and the command line as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, settings

import cuda_emulation
from fhnbench.testing.benchmark import contender_benchmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TESTS = Path(__file__).parent
EXAMPLE = TESTS / "example_plugin"
HOSTILE = TESTS / "hostile_plugin"

__all__ = ["contender_benchmark"]  # the fixture with which tests/benchmarks measures

# What is printed, and where things are looked for, must not depend on the terminal and the user that tests run for.
for _name in ("COLUMNS", "LINES", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FHNBENCH_ARTIFACTS"):
    os.environ.pop(_name, None)
# In the background of a shell this signal is ignored, also by children, whom tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No clock decides, since machines differ and the first example may compile; nor does chance: what fails on one machine
# fails on all. Run with --hypothesis-profile=explore for other examples.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fhnbench", settings.get_profile("explore"), derandomize=True)
settings.load_profile("fhnbench")

collect_ignore = ["example_plugin", "hostile_plugin"]  # distributions, with tests of their own


class CommandLine(Protocol):
    """Runs ``python -m fhnbench`` with arguments, in an environment."""

    def __call__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(autouse=True)
def _cpus() -> Iterator[None]:
    """Undo what a worker that runs in this process does to it: it pins threads."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if before and before != os.sched_getaffinity(0):
        os.sched_setaffinity(0, before)


@pytest.fixture(scope="session")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example distribution with pip into a folder, and return the folder."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder), str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def hostile_site(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the metadata of a distribution with chosen hostile entry points, as pip would."""

    def install(*names: str) -> Path:
        sys.path.insert(0, str(HOSTILE))
        try:
            from hostile import ENTRY_POINTS
        finally:
            sys.path.remove(str(HOSTILE))
        folder = tmp_path / "hostile_site"
        metadata = folder / "fhnbench_hostile-6.6.6.dist-info"
        metadata.mkdir(parents=True)
        lines = [f"{name} = {ENTRY_POINTS[name]}" for name in names]
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fhnbench-hostile\nVersion: 6.6.6\n")
        (metadata / "entry_points.txt").write_text("\n".join(["[fhnbench]", *lines, ""]))
        return folder

    return install


@pytest.fixture
def plugins_path(example_site: Path, hostile_site: Callable[..., Path]) -> Callable[..., dict[str, str]]:
    """Return a function from names to an environment in which these plugins are installed beside our own.

    A name is ``example`` or an entry point of the hostile distribution (see its ``__init__.py``).
    """

    def environment(*names: str) -> dict[str, str]:
        hostile = [name for name in names if name != "example"]
        folders = [example_site] if "example" in names else []
        folders += [hostile_site(*hostile), HOSTILE] if hostile else []
        # pytest that is started in it is no part of a parallel run.
        inherited = {name: value for name, value in os.environ.items() if "XDIST" not in name}
        return {**inherited, "PYTHONPATH": os.pathsep.join(map(str, folders))}

    return environment


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """Return a function that runs the command line in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(
        *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fhnbench", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=dict(os.environ) if environment is None else environment,  # not C's, where readline puts COLUMNS
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def emulated_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make this machine one with a GPU, emulated on the host; compiled kernels are cached in an empty folder."""
    if reason := cuda_emulation.missing():
        pytest.skip(reason)
    if not cuda_emulation.load_driver():
        pytest.skip("this process has loaded a real driver")
    monkeypatch.setattr("fhnbench_cuda.compiler.compile_program", cuda_emulation.host_binary)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("EMULATED_CUDA", "count=1")
