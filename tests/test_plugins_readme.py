"""plugins/README.md is true: its code is the files' code or runs, its interfaces and messages are the source's."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import fhnbench
from conftest import EXAMPLE, TESTS
from fhnbench.plugins import hookspecs
from fhnbench.testing import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import CommandLine

README = TESTS.parent / "plugins" / "README.md"
TEXT = README.read_text()
GUIDE = "guide_examples"
"""Where examples of the guide are that belong to no distribution."""


@dataclass(frozen=True)
class Block:
    """A fenced block, and the file named in the line above it."""

    language: str
    code: str
    path: str | None


def blocks() -> list[Block]:
    found = re.findall(r"^(?:`(\S+)`:\n\n)?```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [Block(language, code, path or None) for path, language, code in found]


FILES = [block for block in blocks() if block.path]
CONSOLE = [block for block in blocks() if block.language == "console"]
SHELL = [block for block in blocks() if block.language == "sh"]
SNIPPETS = [block for block in blocks() if block.language == "python" and not block.path]


def test_every_block_is_of_a_kind_that_is_tested_here() -> None:
    assert len(FILES) + len(CONSOLE) + len(SHELL) + len(SNIPPETS) == len(blocks()) == TEXT.count("\n```") / 2


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.path)
def test_code_that_names_a_file_is_that_file(block: Block) -> None:
    assert block.path is not None
    assert block.code == ((TESTS if block.path.startswith(GUIDE) else EXAMPLE) / block.path).read_text()


def test_all_of_the_example_is_shown() -> None:
    files = {str(path.relative_to(EXAMPLE)) for pattern in ("*.py", "*.toml") for path in EXAMPLE.rglob(pattern)}
    files |= {str(path.relative_to(TESTS)) for pattern in ("*.py", "*.c") for path in (TESTS / GUIDE).rglob(pattern)}
    assert {block.path for block in FILES} == files - {"fhnbench_example/__init__.py"}


def test_its_commands_run(command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]) -> None:
    environment = plugins_path("example")
    for line in "".join(block.code for block in CONSOLE).splitlines():
        prompt, program, *arguments = shlex.split(line)
        assert (prompt, program) == ("$", "fhnbench")
        done = command_line(*arguments, environment=environment)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


@pytest.mark.slow
def test_the_ten_minutes_pass_as_they_are_written(tmp_path: Path) -> None:
    (block,) = SHELL
    site, folder = tmp_path / "site", tmp_path
    install = f"{sys.executable} -m pip install --quiet --no-index --no-deps --no-build-isolation --target {site} ."
    run_as = {"fhnbench": f"{sys.executable} -m fhnbench", "pytest": f"{sys.executable} -m pytest -p no:cacheprovider"}
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for line in block.code.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "cd":
            folder /= words[0]
        elif program == "$EDITOR":
            assert (folder / words[0]).is_file()
        else:
            command = shlex.split(install if program == "pip" else run_as[program])
            command += [] if program == "pip" else words
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def definitions() -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for block in SNIPPETS:
        for node in ast.parse(block.code).body:
            if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.name != "gpu"):
                yield node


CLASSES = {node.name: node for node in definitions() if isinstance(node, ast.ClassDef)}


def test_interfaces_are_shown() -> None:
    assert {"Solver", "Runtime", "SurrogateFamily", "Execution", "Workload", "Cost", "Effective"} <= set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_an_interface_is_that_of_the_code(name: str) -> None:
    (source,) = ast.parse(inspect.getsource(getattr(fhnbench, name))).body
    assert isinstance(source, ast.ClassDef)
    assert [ast.unparse(base) for base in CLASSES[name].bases] == [ast.unparse(base) for base in source.bases]
    shown, actual = members(CLASSES[name]), members(source)
    if name in {"HostExecution", "FitzHughNagumo"}:  # the one's methods are its base's, the other's checks are its own
        actual = {key: value for key, value in actual.items() if key in shown}
    assert shown == actual


def members(cls: ast.ClassDef) -> dict[str, str]:
    """Return public fields with types and defaults, and methods with their signatures."""
    found = {}
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            returns = ast.unparse(node.returns) if node.returns else ""
            found[node.name] = f"({ast.unparse(node.args)}) -> {returns}"
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_fact_of_the_class = node.target.id in {"kind", "hyphens"}
            if not is_fact_of_the_class:
                found[node.target.id] = ast.unparse(node)
    if cls.name in {"Spec", "Availability"}:
        found = {key: value for key, value in found.items() if not value.startswith("(")}
    return found


def test_hooks_are_those_of_the_code() -> None:
    functions = [node for node in definitions() if isinstance(node, ast.FunctionDef)]
    shown = {node.name: ast.unparse(node.returns) for node in functions if node.returns}
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("fhnbench_")}
    assert shown == {name: hook.__annotations__["return"] for name, hook in hooks.items()}


def test_the_example_of_availability_says_what_the_text_says() -> None:
    (block,) = (block for block in SNIPPETS if block.code.startswith("SolverSpec("))
    spec = eval(block.code, vars_of("SolverSpec"))
    assert f"``{spec.availability('my-plugin')}``" in TEXT


def test_the_probe_returns_an_availability() -> None:
    (block,) = (block for block in SNIPPETS if block.code.startswith("def gpu"))
    names = {**vars_of("Availability"), "Path": Path}
    exec(block.code, names)
    assert isinstance(names["gpu"](), fhnbench.Availability)


def vars_of(*names: str) -> dict[str, Any]:
    return {name: getattr(fhnbench, name) for name in names}


def test_the_table_of_checks_is_complete() -> None:
    expected = [
        f"| `{check.name}`{'' if len(check.applies_to) == 2 else ' (solvers)'} | {check.tier} | {check.summary} |"
        for check in CHECKS
    ]
    assert [line for line in TEXT.splitlines() if line in expected] == expected


def test_the_messages_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(.*?)` \|", TEXT.partition("## Common errors")[2], re.MULTILINE)
    assert len(rows) > 10
    source = " ".join(path.read_text() for path in (TESTS.parent / "harness").rglob("*.py"))
    foreign = {"unknown hook ", "assignment destination is read-only"}  # pluggy's and NumPy's
    variable = (
        r"'[^']*'|\.\.\.|NAME|DIST|SIGSEGV|killed by|120 s|nan|m:C|\b[ABuw]\b|float\d+|fhnbench_\w+|\w+(Error|Spec)\b"
    )
    for row in rows:
        for piece in re.sub(variable, "\0", row).split("\0"):
            words = piece.strip(" ,:;?")
            assert len(words) < 5 or words in source or piece in foreign, (row, words)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target


def test_names_that_it_imports_from_fhnbench_are_public() -> None:
    for name in set(re.findall(r"\bfhnbench\.([A-Za-z_]\w*)", TEXT)) - {"testing"}:
        assert hasattr(fhnbench, name), name
