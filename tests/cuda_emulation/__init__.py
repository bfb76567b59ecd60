"""A GPU made of the host: the plugin's kernels, compiled by g++, behind a driver that cuda.bindings talks to.

The plugin's own code runs as it is; all that differs is who compiles a kernel and what library is called libcuda.so.1.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fhnbench_cuda import compiler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhnbench_cuda.compiler import Binary, KernelProgram

FOLDER = Path(__file__).parent
ARCH = "sm_90"
_BARRIERS = re.compile(r"\b__(sync|shfl)")
_OPTIONS = ("-O1", "-std=c++17", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", "-w", f"-I{FOLDER}")


def missing() -> str:
    """Return why there is no emulation here, or nothing."""
    if shutil.which("g++") is None:
        return "needs g++"
    try:
        import cuda.bindings.driver  # noqa: F401
    except ImportError:
        return "needs cuda-bindings: pip install 'fhnbench[cuda]'"
    return ""


@functools.cache
def _folder() -> Path:
    """Return a folder for what is compiled in this session."""
    folder = tempfile.TemporaryDirectory(prefix="fhnbench-emulation-")
    _folders.append(folder)
    return Path(folder.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []


def scratch_file(name: str) -> Path:
    """Return the path of a file that may be written to until the session ends."""
    return _folder() / name


@functools.cache
def driver_folder() -> Path:
    """Return a folder with the emulated libcuda.so.1; on LD_LIBRARY_PATH it makes a machine with a GPU."""
    folder = _folder() / "driver"
    folder.mkdir()
    target = folder / "libcuda.so.1"
    _compile(FOLDER / "driver.cpp", target, "-Wl,-soname,libcuda.so.1", "-ldl")
    return folder


@functools.cache
def load_driver() -> bool:
    """Make the emulated driver this process's; return whether it is, which it cannot be where a real one came first."""
    ctypes.CDLL(str(driver_folder() / "libcuda.so.1"), ctypes.RTLD_GLOBAL)
    return hasattr(ctypes.CDLL("libcuda.so.1"), "emulated_cuda")


_unions: list[tuple[frozenset[KernelProgram], KernelProgram]] = []


def union_of(programs: Iterable[KernelProgram]) -> KernelProgram:
    """Return programs of one file as one; macros that differ between them are definitions, and are put together."""
    programs = tuple(programs)
    kernels = dict.fromkeys(kernel for program in programs for kernel in program.kernels)
    macros: dict[str, dict[str, None]] = {}
    for name, value in (macro for program in programs for macro in program.macros):
        macros.setdefault(name, {})[value] = None
    merged = tuple((name, " ".join(values)) for name, values in macros.items())
    return dataclasses.replace(programs[0], kernels=tuple(kernels), macros=merged)


def compile_together(programs: Iterable[KernelProgram]) -> None:
    """Let programs of one file be compiled as one when the first of them is needed, which takes much less time."""
    programs = tuple(programs)
    _unions.append((frozenset(programs), union_of(programs)))


def host_binary(program: KernelProgram, arch: str = ARCH) -> Binary:
    """Compile a program for the host, in the form in which the emulated driver loads it."""
    for members, union in _unions:
        same = dataclasses.replace(union, kernels=program.kernels) == program
        if program in members or (same and set(program.kernels) <= set(union.kernels)):
            return _host_binary(union)
    return _host_binary(program)


@functools.cache
def _host_binary(program: KernelProgram) -> Binary:
    barriers = "true" if _BARRIERS.search(program.source) else "false"
    symbols = {name: f"kernel_{number}" for number, name in enumerate(program.kernels)}
    entries = (
        f'extern "C" const emulation::Entry {symbol} = emulation::Kernel<&{name}, {barriers}>::entry;\n'
        for name, symbol in symbols.items()
    )
    stem = f"{Path(program.file).stem}-{len(list(_folder().iterdir()))}"
    source = _folder() / f"{stem}.cpp"
    source.write_text(f'#include "{FOLDER}/cuda_on_host.h"\n{program.source}\n{"".join(entries)}')
    library = source.with_suffix(".so")
    _compile(source, library)
    usage = dict.fromkeys(program.kernels, compiler.Usage(0))
    return compiler.Binary(library.read_bytes(), symbols, usage)


def fill_cache(programs: Iterable[KernelProgram]) -> None:
    """Put programs into the cache of compiled kernels, so that other processes run them on the emulated GPU."""
    for program in programs:
        path = compiler.cache_file(program, ARCH)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compiler.encoded(host_binary(program)))


def _compile(source: Path, target: Path, *options: str) -> None:
    subprocess.run(["g++", *_OPTIONS, str(source), "-o", str(target), *options], check=True)
