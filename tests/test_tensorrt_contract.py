"""The plugin against the real Python bindings of TensorRT 10 and 11, whose libraries need no GPU to be stubs."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fhnbench_tensorrt
from fhnbench_tensorrt.model import static_model
from networks import exported
from tensorrt_contract.table import CALLS, NAMES, OURS, PROPERTIES

CONTRACT = Path(__file__).parent / "tensorrt_contract"
PLUGIN = Path(fhnbench_tensorrt.__file__).parent
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
OLDEST = "tensorrt-cu12-bindings==10.0.1"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Return a folder with stub libraries of both versions, and a package `tensorrt` as NVIDIA's, of bindings."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("stub libraries are built for Linux with a C compiler")
    folder = tmp_path_factory.mktemp("tensorrt")
    for major in (10, 11):
        for name in LIBRARIES:
            soname = f"lib{name}.so.{major}"
            command = [
                compiler,
                "-shared",
                "-fPIC",
                "-o",
                folder / soname,
                CONTRACT / "stubs.c",
                f"-Wl,-soname,{soname}",
            ]
            subprocess.run(command, check=True)
    package = folder / "tensorrt" / "__init__.py"
    package.parent.mkdir()
    package.write_text("from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n")
    return folder


def bindings_10(folder: Path) -> Path:
    """Fetch the oldest bindings that we support; they are no part of any extra, since both share a package's name."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "0"]
    done = subprocess.run(
        [*command, "--no-deps", "--only-binary", ":all:", "--target", str(folder), OLDEST],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        pytest.skip(f"{OLDEST} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    return folder


def bindings_11() -> Path:
    found = importlib.util.find_spec("tensorrt_bindings")
    if found is None or found.origin is None:
        pytest.skip("tensorrt-cu13-bindings not installed; pip install 'fhnbench[test]'")
    return Path(found.origin).parents[1]


@pytest.fixture(scope="module", params=[10, 11])
def found(request, site, tmp_path_factory):
    """Return what `examine.py` finds out about one version."""
    bindings = bindings_10(tmp_path_factory.mktemp("bindings")) if request.param == 10 else bindings_11()
    paths = [str(folder) for folder in (bindings, site, CONTRACT)]
    model = static_model(exported("iterative"), 64)
    done = subprocess.run(
        [sys.executable, CONTRACT / "examine.py"],
        input=model.content,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LD_LIBRARY_PATH": str(site)},
    )
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert answer["version"].startswith(f"{request.param}.")
    return answer


def test_everything_that_the_plugin_names_is_there(found):
    assert found["missing"] == []
    assert found["properties"] == []


def test_methods_take_what_the_plugin_gives_and_return_what_it_expects(found):
    assert found["calls"] == []


def test_networks_are_strongly_typed_without_precision_flags(found):
    assert found["flag"] in {1, 2}
    assert found["has_fp16_flag"] == found["version"].startswith("10.")  # which is why no such flag is used


def test_errors_are_collected_and_told_in_one_line(found):
    assert found["logger"]
    assert found["explained"] == ("It failed: an error: out of memory; take fewer samples (-n) or a smaller chunk")


@pytest.mark.parametrize("step", ["build", "load"])
def test_a_tensorrt_that_does_not_start_is_unavailable(found, step):
    expected = f"Unavailable: TensorRT {found['version']} does not start; check GPU and driver: it gives no reason"
    assert found[step] == expected


def sources() -> dict[str, ast.Module]:
    return {path.name: ast.parse(path.read_text()) for path in PLUGIN.glob("*.py")}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def test_only_one_module_imports_tensorrt():
    imports = {
        name
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "tensorrt" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tensorrt")
    }
    assert imports == {"engine.py"}


def test_the_table_holds_all_names_that_the_source_has():
    used = {dotted(node) for node in ast.walk(sources()["engine.py"]) if isinstance(node, ast.Attribute)}
    names = {name.removeprefix("trt.") for name in used if name.startswith("trt.")}
    parts = {".".join(name.split(".")[:length]) for name in NAMES for length in range(1, name.count(".") + 2)}
    assert names <= parts
    assert set(NAMES) <= names


def test_the_table_holds_all_methods_that_the_source_has():
    tree = sources()["engine.py"]
    attributes = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and not dotted(node).startswith("trt.")
    }
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    methods = {name.rpartition(".")[2] for name in [*PROPERTIES, *(call[0] for call in CALLS)]}
    assert attributes - OURS - methods == set()
    assert methods - attributes - defined == set()
    assert attributes & OURS == OURS
