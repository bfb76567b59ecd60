"""A new plugin's distribution, cut out of the example that the tests install and run.

The example has a solver, a surrogate family and a runtime. A new distribution is a copy in which one of them is left,
under a name of its own.
"""

from __future__ import annotations

import ast
import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import fhnbench
from fhnbench.errors import FhnbenchError
from fhnbench.files import write_whole
from fhnbench.plugins.registry import registry
from fhnbench.plugins.specs import RuntimeSpec, SolverSpec, SurrogateSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench.plugins.specs import Spec

Kind = Literal["solver", "surrogate", "runtime"]

_PACKAGE = "fhnbench_example"
_COPIED = {".py", ".toml", ".md", ".yml"}


@dataclass(frozen=True)
class _Part:
    """One of the example's items: its hook and spec, its module and class, and its name."""

    hook: str
    spec: type[Spec]
    module: str
    cls: str
    name: str

    def suffix(self, name: str) -> str:
        """Return what a user's name lacks to be one of this kind: a solver's has a backend."""
        return "-numpy" if self.spec is SolverSpec and "-" not in name else ""


_PARTS: dict[Kind, _Part] = {
    "solver": _Part("fhnbench_solvers", SolverSpec, "ab2", "AdamsBashforth2", "ab2-example"),
    "surrogate": _Part("fhnbench_surrogates", SurrogateSpec, "family", "RandomFeatures", "elm"),
    "runtime": _Part("fhnbench_runtimes", RuntimeSpec, "runtime", "NumPyRuntime", "example"),
}
KINDS = tuple(_PARTS)


def scaffold(kind: Kind, name: str, folder: Path) -> list[Path]:
    """Write the distribution of a new plugin.

    Parameters
    ----------
    kind
        What it adds.
    name
        The name that users will type: a solver's with or without its backend (``ab2`` becomes ``ab2-numpy``).
    folder
        Where to write it; it must not exist, or be empty.

    Returns
    -------
    list of Path
        The files, relative to the folder.

    Raises
    ------
    FhnbenchError
        If the name cannot be one of that kind, an installed distribution has it, or the folder holds something.
    """
    part = _PARTS[kind]
    contender = name + part.suffix(name)
    part.spec(contender, "module:attribute", "")  # refuses a malformed name
    if keyword.iskeyword(name):
        raise FhnbenchError(f"{name!r} is a word of Python's; choose another name")
    if others := _others(part.spec, contender, f"fhnbench-{name.replace('_', '-')}"):
        raise FhnbenchError(f"{kind} {contender!r} is declared by {others[0]} already; choose another name")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FhnbenchError(f"{folder} holds something; give another --directory")
    renames = _renames(kind, part, name.replace("-", "_"), contender)
    written = []
    for file in _files(part):
        text = (_example() / file).read_text()
        if file.name == "plugin.py":
            text = _only(text, part)
        elif file.name == "README.md":
            text = _section(text, kind)
        target = Path(_renamed(str(file), renames))
        write_whole(folder / target, _renamed(text, renames))
        written.append(target)
    return written


def _others(spec: type[Spec], name: str, distribution: str) -> list[str]:
    """Return other distributions that declare a name: with two of them, neither could be used."""
    declared = [entry.plugin.distribution for entry in registry().entries(spec) if entry.spec.name == name]
    return [one for one in declared if one != distribution]


def _example() -> Path:
    """Return the folder of the example: inside an installed package, or beside the sources of an editable one."""
    package = Path(fhnbench.__file__).parent
    for folder in (package / "example_plugin", package.parents[1] / "tests" / "example_plugin"):
        if folder.is_dir():
            return folder
    raise FhnbenchError(f"the example plugin is missing from {package}; install fhnbench again")


def _files(part: _Part) -> Iterator[Path]:
    """Yield the files that the new distribution has, relative to the example's folder."""
    modules = {other.module for other in _PARTS.values()} - {part.module}
    left_out = {f"{prefix}{module}.py" for module in modules for prefix in ("", "test_")}
    example = _example()
    for path in sorted(example.rglob("*")):
        file = path.relative_to(example)
        hidden = [name for name in file.parts if name.startswith(".") and name != ".github"]
        if path.is_file() and file.suffix in _COPIED and file.name not in left_out and not hidden:
            yield file


def _only(source: str, part: _Part) -> str:
    """Return the module of hooks with the hook of one kind, and what that imports; assignments stay."""
    tree = ast.parse(source)
    kept = [f'"""{ast.get_docstring(tree, clean=False)}"""', f"from fhnbench import {part.spec.__name__}, hookimpl"]
    for node in tree.body:
        if isinstance(node, ast.Assign):
            kept.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef) and node.name == part.hook:
            lines = source.splitlines()[node.decorator_list[0].lineno - 1 : node.end_lineno]
            kept.append("\n" + "\n".join(lines))
    return "\n\n".join(kept) + "\n"


def _section(text: str, kind: Kind) -> str:
    """Return what all kinds have in common and the section of one kind."""
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return head + next(section for section in sections if section.startswith(f"## {kind.capitalize()}\n"))


def _renames(kind: Kind, part: _Part, module: str, contender: str) -> list[tuple[str, str]]:
    """Return patterns and what replaces them, in order."""
    bounded = rf"(?<![\w-]){re.escape(part.name)}(?![\w])" if kind != "runtime" else r"\bexample\b"
    return [
        (r"A solver, a surrogate and a runtime for fhnbench, as a third party writes them",
         f"The {kind} {contender} for fhnbench"),
        (r"^example = ", f"{module} = "),
        (re.escape(_PACKAGE), f"fhnbench_{module}"),
        (r"fhnbench-example", f"fhnbench-{module.replace('_', '-')}"),
        (bounded, contender),
        (rf"\b{part.cls}\b", "".join(word.capitalize() for word in module.split("_"))),
        (rf"(?<=[./_]){part.module}(?=\.py|:)", module),
    ]  # fmt: skip


def _renamed(text: str, renames: list[tuple[str, str]]) -> str:
    for pattern, replacement in renames:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
