"""plugins/README.md: its code is the code that runs, and its interfaces are those of the package."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import fhnbench

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "plugins" / "README.md"
INTERFACES = ("Solver", "SurrogateFamily", "Runtime", "Execution")


def interfaces() -> str:
    """Return the abstract methods of the interfaces, as the guide shows them."""
    parts = []
    for name in INTERFACES:
        cls = getattr(fhnbench, name)
        methods = [getattr(cls, method) for method in cls.__dict__ if method in cls.__abstractmethods__]
        lines = [f"    def {method.__name__}{inspect.signature(method)}: ...".replace("'", "") for method in methods]
        parts.append("\n".join([f"class {name}:", *lines]))
    return "\n\n\n".join(parts)


def test_interfaces_are_those_of_the_package():
    block = re.search(r"<!-- interfaces -->\n```python\n(.*?)\n```", GUIDE.read_text(), re.DOTALL)
    assert block is not None
    assert block[1] == interfaces()


def files() -> list[tuple[str, str]]:
    return re.findall(r"<!-- file: (.*?) -->\n```\w+\n(.*?)\n```", GUIDE.read_text(), re.DOTALL)


@pytest.mark.parametrize(("path", "shown"), files())
def test_shown_code_is_the_example_that_the_tests_run(path, shown):
    assert (ROOT / path).read_text().rstrip() == shown


def test_the_whole_example_is_shown():
    example = ROOT / "tests" / "example_plugin"
    shown = {ROOT / path for path, _ in files()}
    written = {path for path in example.rglob("*.py") if path.name != "__init__.py"} | {example / "pyproject.toml"}
    assert shown == written


def test_public_names_are_documented():
    undocumented = [
        name
        for name in fhnbench.__all__
        if inspect.isclass(getattr(fhnbench, name)) or inspect.isfunction(getattr(fhnbench, name))
        if not inspect.getdoc(getattr(fhnbench, name))
    ]
    assert not undocumented
