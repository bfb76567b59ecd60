"""Each public name is documented where it is defined, and some test uses it."""

from __future__ import annotations

import ast
import functools
import importlib.util
from pathlib import Path

import pytest

import fhnbench
from conftest import TESTS

STUBS = {"fhnbench": "__init__.pyi", "fhnbench.testing": "testing/__init__.py"}


def public_names() -> list[tuple[str, str]]:
    """Return the module that defines each public name, and the name; a module that is public has an empty name."""
    found = []
    for package, stub in STUBS.items():
        for node in ast.parse((Path(fhnbench.__file__).parent / stub).read_text()).body:
            if isinstance(node, ast.ImportFrom):
                module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                found += [(module, alias.name) for alias in node.names]
    return [(f"{module}.{name}", "") if module == "fhnbench" else (module, name) for module, name in found]


def documentation(module: str, name: str) -> str | None:
    """Return the docstring of what a module defines; of a constant, the string below it."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    if not name:
        return ast.get_docstring(tree)
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = following.value if isinstance(following, ast.Expr) else None
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    raise AssertionError(f"{module} does not define {name}")


@functools.cache
def used_in_tests() -> set[str]:
    """Return all identifiers in the code of tests; comments and texts do not count."""
    found = set()
    for file in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    found.add(name.rpartition(".")[2])
    return found


def test_names_are_found() -> None:
    assert {("fhnbench.library", "run"), ("fhnbench.lanes", ""), ("fhnbench.testing.subject", "Subject")} <= set(
        public_names()
    )


@pytest.mark.parametrize(("module", "name"), public_names())
def test_a_public_name_is_documented(module: str, name: str) -> None:
    assert documentation(module, name)


@pytest.mark.parametrize(("module", "name"), public_names())
def test_a_public_name_is_used_in_a_test(module: str, name: str) -> None:
    assert (name or module.rpartition(".")[2]) in used_in_tests()
