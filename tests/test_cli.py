"""The command line as a user types it: help, mistakes, exit statuses, plugins' commands, and what start-up imports."""

from __future__ import annotations

import importlib.metadata
import os
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fhnbench
import fhnbench.cli
from conftest import TESTS
from fhnbench.__main__ import main
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CommandLine

COMMANDS = sorted(name for _, name, _ in pkgutil.iter_modules(fhnbench.cli.__path__) if not name.startswith("_"))
HEAVY = {"numba", "llvmlite", "torch", "h5py", "matplotlib", "seaborn", "pandas", "scipy", "onnxruntime"}


class TestHelp:
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_lists_every_command_with_a_summary(self, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([flag]) == ExitStatus.OK
        lines = capsys.readouterr().out.splitlines()
        listed = {line.split()[0]: line for line in lines[lines.index("Commands:") + 1 :]}
        assert set(COMMANDS) <= set(listed)
        assert all(len(line.split()) > 3 for line in listed.values())

    @pytest.mark.parametrize("command", COMMANDS)
    def test_of_each_command(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([command, "--help"]) == ExitStatus.OK
        shown = capsys.readouterr().out
        assert shown.startswith(f"Usage: fhnbench {command} ")
        assert "-h, --help" in shown

    def test_without_a_command_help_is_shown_and_nothing_was_done(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == ExitStatus.USER_ERROR
        captured = capsys.readouterr()
        assert "Start with: fhnbench run" in captured.out + captured.err

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--version"]) == ExitStatus.OK
        assert capsys.readouterr().out == f"fhnbench, version {fhnbench.__version__}\n"

    def test_the_version_is_that_of_the_distribution(self) -> None:
        assert importlib.metadata.version("fhnbench") == fhnbench.__version__


class TestMistakes:
    """Each is answered in a few words, with status 2 and no traceback."""

    @pytest.mark.parametrize(
        "word", ["rum", "plugins.x", "", "__init__", "__pycache__", "../cli/run", "run/", "RUN", "é"]
    )
    def test_unknown_command(self, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([word]) == ExitStatus.USER_ERROR
        assert f"Error: No such command {word!r}" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--no-such-option"], "No such option '--no-such-option'"),
            (["plugins", "--no-such-option"], "No such option '--no-such-option'"),
            (["plugins", "a", "b"], "Got unexpected extra argument (b)"),
            (["plugins", "no-such"], "Error: no contender 'no-such'; "),
            (["plugins", "a[b"], "Error: 'a[b' is not of the form NAME or NAME[option=value,...]"),
            (["check"], "Error: name a contender or a distribution to check; fhnbench plugins lists all; see "),
            (["check", "no-such"], "Error: no contender 'no-such'; "),
            (["check", "no-such[x=]"], "Error: 'no-such[x=]': 'x=' is not of the form option=value"),
            (["check", "no-such", "--problem", "D"], "Error: no problem 'D'; there are A, B, C"),
            (["check", "no-such", "--timeout", "0"], "Invalid value for '--timeout'"),
            (["check", "no-such", "--timeout", "nan"], "'--timeout': nan is not a finite number; see fhnbench check -"),
            (["run", "--timeout", "inf"], "'--timeout': inf is not a finite number"),
            (["run", "--threads", "100000"], "100000 threads asked for, this process may use "),
            (["run", "--problem", ""], "Error: no problem ''; there are A, B, C"),
            (["run", "--solver", "ddnn-cpu"], "'ddnn-cpu' is a surrogate, not a solver; give it with --surrogate"),
            (["run", "--surrogate", "euler-cpu"], "'euler-cpu' is a solver, not a surrogate; give it with --solver"),
            (["run", "--solver", "no-such*"], "no solver matches 'no-such*'; fhnbench plugins lists all "),
            (["plugins", "euler"], "did you mean 'euler-cpu' or 'euler-cuda' or 'euler-diffrax'?"),
            (["compare", "a", "b", "--alpha", "nan"], "'--alpha': nan is not a finite number"),
            (["compare", "a", "b", "--runs", "3"], "--runs goes with --base"),
            (["compare", "a", "b", "--output", "c"], "--output goes with --base"),
            (["history", "--plot", "a.pdf"], "a.pdf: the picture is a PNG file"),
            (["new", "gadget"], "'gadget' is not one of 'solver', 'surrogate', 'runtime'"),
            (["new"], "Missing argument"),
        ],
        ids=" ".join,
    )
    def test_wrong_usage(self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(arguments) == ExitStatus.USER_ERROR
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.count("\n") == 1
        assert captured.out == ""

    def test_an_error_is_one_line_and_debug_shows_where_it_was_raised(self, command_line: CommandLine) -> None:
        done = command_line("plugins", "no-such")
        assert done.returncode == ExitStatus.USER_ERROR
        assert len(done.stderr.splitlines()) == 1
        done = command_line("plugins", "no-such", "--debug")
        assert done.returncode == ExitStatus.INTERNAL
        assert "Traceback" in done.stderr

    def test_ctrl_c(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("fhnbench.report.plugins.overview", interrupt)
        assert main(["plugins"]) == ExitStatus.INTERRUPTED
        assert capsys.readouterr().err.strip() == "Interrupted."

    def test_a_pipe_that_closes_early_brings_no_traceback(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "fhnbench", "plugins"]
        with os.fdopen(writer, "wb") as pipe:
            done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
        assert "Traceback" not in done.stderr


class TestStartUp:
    """What a command imports, by the modules that are loaded and not by the clock."""

    @pytest.mark.parametrize("words", [["--help"], ["plugins"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
    def test_imports_nothing_heavy(self, words: list[str]) -> None:
        assert modules_after(f"from fhnbench.__main__ import main; main({words})") & HEAVY == set()

    def test_importing_the_package_imports_not_even_numpy(self) -> None:
        assert modules_after("import fhnbench") & {*HEAVY, "numpy", "pluggy", "click", "rich", "msgspec"} == set()

    def test_first_party_plugins_import_nothing_heavy(self) -> None:
        project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]
        for target in project["entry-points"]["fhnbench"].values():
            assert modules_after(f"import {target}") & HEAVY == set(), target

    def test_there_is_one_console_script(self) -> None:
        project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]
        assert project["scripts"] == {"fhnbench": "fhnbench.__main__:main"}
        assert subprocess.run([Path(sys.executable).with_name("fhnbench"), "--version"], check=False).returncode == 0


def modules_after(program: str) -> set[str]:
    """Return the top-level modules that are loaded after a program has run in a process of its own."""
    epilogue = "import sys; sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{program}; {epilogue}"], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


class TestCommandsOfPlugins:
    def test_is_listed_and_called_like_any_other(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        environment = plugins_path("command")
        listed = command_line("--help", environment=environment).stdout
        assert "hostile-command  say that the command was called" in listed
        done = command_line("hostile-command", "--status", "7", environment=environment)
        assert (done.returncode, done.stdout) == (7, "the hostile command was called\n")
        assert "--status" in command_line("hostile-command", "--help", environment=environment).stdout

    def test_help_does_not_import_it(self, plugins_path: Callable[..., dict[str, str]]) -> None:
        called = "from fhnbench.__main__ import main; main(['--help'])"
        program = f"import sys; {called}; sys.exit('hostile.command' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], env=plugins_path("command"), check=False)
        assert done.returncode == 0

    def test_broken_plugins_break_no_command(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        environment = plugins_path("raises", "exits", "unknown", "nothing", "not-specs", "not-a-list", "command")
        assert command_line("--help", environment=environment).stderr == ""
        assert command_line("hostile-command", environment=environment).returncode == ExitStatus.OK
