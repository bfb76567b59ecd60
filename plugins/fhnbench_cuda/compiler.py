"""From a source file in this package to machine code for one architecture, by NVRTC, which needs no GPU.

What was compiled is kept in the user's cache folder, under a digest of everything that it depends on.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fhnbench import Unavailable, cache_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(__file__).parent
_INCLUDE = re.compile(r'#include "([\w.]+)"')
_OPTIONS = ("-std=c++17",)
_LAYOUT = 1
"""Version of what a cache file holds."""

_ENTRY = re.compile(r"Compiling entry function '(?P<symbol>[^']+)'")
_MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")


class Usage(msgspec.Struct, frozen=True):
    """What one kernel takes, as the assembler reports it; all but the number of registers in bytes.

    `local_memory` is a thread's stack frame, and `spill_stores` and `spill_loads` the traffic of registers that did
    not suffice; `shared_memory` is a block's, without what is asked for at launch.
    """

    registers: int
    local_memory: int = 0
    spill_stores: int = 0
    spill_loads: int = 0
    shared_memory: int = 0


class Binary(msgspec.Struct, frozen=True):
    """Machine code of some kernels for one architecture.

    Parameters
    ----------
    cubin
        An ELF file.
    symbols
        Name in `cubin` of each kernel of the program.
    usage
        What each kernel of the program takes.
    """

    cubin: bytes
    symbols: dict[str, str]
    usage: dict[str, Usage]


@dataclass(frozen=True, slots=True)
class KernelProgram:
    """Kernels that are compiled together.

    Parameters
    ----------
    file
        A CUDA C++ file of this package. Files that it includes by ``#include "name"``, in this package, too, take the
        place of their first inclusion.
    kernels
        The instances of its kernel templates, as C++ writes their names: ``solve<float, 4>``.
    macros
        ``(name, value)`` of macros that are defined before the file.
    """

    file: str
    kernels: tuple[str, ...]
    macros: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> str:
        """The text that is compiled, macros and included files in it."""
        lines = (f"#define {name} {value}" for name, value in self.macros)
        return "\n".join([*lines, *_expanded(self.file, set())]) + "\n"


def build(program: KernelProgram, arch: str) -> Binary:
    """Return a program's machine code, from the cache if it was compiled before.

    Parameters
    ----------
    program
        What to compile.
    arch
        Architecture of the GPU, ``sm_90`` for compute capability 9.0.

    Raises
    ------
    Unavailable
        If the compiler is not installed, or does not know the architecture.
    CompilationFailed
        If the source has errors.
    FhnbenchError
        If the cache folder cannot be written to.
    """
    path = cache_file(program, arch)
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Binary)
    except (OSError, msgspec.DecodeError):  # not there, or damaged: it is written anew
        binary = compile_program(program, arch)
        write_whole(path, encoded(binary))
        return binary


def encoded(binary: Binary) -> bytes:
    """Return what a cache file holds."""
    return msgspec.msgpack.encode(binary)


def cache_file(program: KernelProgram, arch: str) -> Path:
    """Return where the machine code of a program is kept; its name says all that the code depends on."""
    parts = (str(_LAYOUT), nvrtc_version(), arch, *_OPTIONS, *program.kernels, program.source)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return cache_folder("cuda") / f"{Path(program.file).stem}-{arch}-{digest[:32]}.msgpack"


def nvrtc_version() -> str:
    """Return the version of the compiler; raises `Unavailable` if there is none."""
    try:
        from cuda.bindings import nvrtc

        _, major, minor = nvrtc.nvrtcVersion()
    except Exception as error:
        raise Unavailable(f"NVRTC cannot be loaded ({error}); pip install 'fhnbench[cuda]'") from error
    return f"{major}.{minor}"


class CompilationFailed(Exception):
    """A kernel does not compile: an error of this package, not of its user."""


def compile_program(program: KernelProgram, arch: str) -> Binary:
    """Compile a program, past the cache; see `build`."""
    version = nvrtc_version()
    from cuda.bindings import nvrtc
    from cuda.core import Program, ProgramOptions

    _, known = nvrtc.nvrtcGetSupportedArchs()
    if int(arch.removeprefix("sm_")) not in known:
        raise Unavailable(f"NVRTC {version} does not compile for {arch}; pip install -U 'fhnbench[cuda]'")
    log = io.StringIO()
    options = ProgramOptions(name=program.file, arch=arch, std="c++17", ptxas_options=["-v"])
    try:
        compiled = Program(program.source, "c++", options=options).compile(
            "cubin", name_expressions=program.kernels, logs=log
        )
    except Exception as error:
        raise CompilationFailed(f"{program.file} for {arch}: {error}") from error
    symbols = {name: _text(symbol) for name, symbol in compiled.symbol_mapping.items()}
    usage = dict(_usage(log.getvalue()))
    return Binary(bytes(compiled.code), symbols, {name: usage[symbol] for name, symbol in symbols.items()})


def _text(symbol: str | bytes) -> str:
    return symbol.decode() if isinstance(symbol, bytes) else symbol


def _usage(log: str) -> Iterator[tuple[str, Usage]]:
    """Yield what the assembler reports of each symbol."""
    pieces = _ENTRY.split(log)[1:]
    for symbol, report in zip(pieces[::2], pieces[1::2], strict=True):
        local, stores, loads = (int(value) for value in _required(_MEMORY, report).groups())
        shared = _SHARED.search(report)
        registers = int(_required(_REGISTERS, report)[1])
        yield symbol, Usage(registers, local, stores, loads, int(shared[1]) if shared else 0)


def _required(pattern: re.Pattern[str], report: str) -> re.Match[str]:
    match = pattern.search(report)
    if match is None:
        raise CompilationFailed(f"the compiler's report of resources is not understood: {report.strip()[:200]}")
    return match


def _expanded(name: str, seen: set[str]) -> Iterator[str]:
    """Yield the lines of a file, and in place of each inclusion those of the file that it names, once."""
    if name in seen:
        return
    seen.add(name)
    for line in (_FOLDER / name).read_text().splitlines():
        include = _INCLUDE.fullmatch(line.strip())
        if include:
            yield from _expanded(include[1], seen)
        else:
            yield line
