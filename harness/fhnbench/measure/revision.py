"""Another revision of fhnbench, built beside this one, so that workers of both can take turns in one run."""

from __future__ import annotations

import contextlib
import os
import site
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fhnbench
from fhnbench.errors import FhnbenchError
from fhnbench.measure.interpreter import ask_interpreter
from fhnbench.measure.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUILD_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Revision:
    """A revision that was built.

    Parameters
    ----------
    name
        As the user named it.
    commit
        Its full hash.
    program
        Its worker.
    environment
        What its own `fhnbench.environment` says.
    """

    name: str
    commit: str
    program: Program
    environment: dict[str, Any]


@contextlib.contextmanager
def build_revision(name: str, distributions: Sequence[str] = ()) -> Iterator[Revision]:
    """Check a revision out into a worktree, install it into an environment of its own, and remove both at the end.

    The environment sees the packages that are installed for this interpreter, and its own fhnbench before them: both
    revisions run with the same numba, NumPy and so on, and nothing is downloaded unless the build needs it.

    Parameters
    ----------
    name
        What git calls a revision: a hash, ``main``, ``HEAD~1``.
    distributions
        Distributions whose versions the environment records.

    Raises
    ------
    FhnbenchError
        If fhnbench is not used from its repository, there is no such revision, it cannot be built, or its workers do
        not understand this revision.
    """
    repository = _repository()
    try:
        commit = _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except FhnbenchError:
        raise FhnbenchError(f"no revision {name!r} in {repository}") from None
    with tempfile.TemporaryDirectory(prefix="fhnbench-base-") as folder:
        source, home = Path(folder, "source"), Path(folder, "environment")
        _git(repository, "worktree", "add", "--detach", str(source), commit)
        try:
            interpreter = _install(source, home, name)
            environment = _checked(interpreter, source, name, distributions)
            program = Program(interpreter, moved=(str(repository), str(source)))
            yield Revision(name, commit, program, environment)
        finally:
            _git(repository, "worktree", "remove", "--force", str(source))


def _repository() -> Path:
    folder = Path(fhnbench.__file__).parent
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel"))
    except FhnbenchError:
        raise FhnbenchError(
            f"{folder} is in no git repository, so it has no other revision; install a clone with pip install -e"
        ) from None


def _install(source: Path, home: Path, name: str) -> str:
    """Make a virtual environment that holds the revision and sees this interpreter's packages; return its Python."""
    venv.create(home, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", vars={"base": str(home), "platbase": str(home)})
    ours = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    Path(paths["purelib"], "packages-of-this-revision.pth").write_text("\n".join([*ours, ""]))
    interpreter = str(Path(paths["scripts"], "python"))
    pip = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--disable-pip-version-check"]
    editable = ["--ignore-installed", "--editable", str(source)]
    offline = _run([*pip, "--no-deps", "--no-index", "--no-build-isolation", *editable])
    if offline.returncode and (online := _run([*pip, "--no-deps", *editable])).returncode:
        lines = online.stderr.strip().splitlines() or ["pip said nothing"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise FhnbenchError(f"cannot install revision {name}: {reason}")
    return interpreter


def _checked(interpreter: str, source: Path, name: str, distributions: Sequence[str]) -> dict[str, Any]:
    """Return the environment that the revision reports; it is that revision, and it speaks our protocol."""
    file, environment = ask_interpreter(interpreter, f"revision {name}", "compare two records instead", distributions)
    if not Path(file).is_relative_to(source):
        raise FhnbenchError(f"revision {name} would run {file}; unset PYTHONPATH")
    return environment


def _git(folder: Path, *words: str) -> str:
    done = _run(["git", "-C", str(folder), *words])
    if done.returncode:
        raise FhnbenchError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FhnbenchError(f"{command[0]}: {error}") from None
