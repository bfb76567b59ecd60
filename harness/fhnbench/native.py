"""numba, set up once: full vector width, threads that sleep when idle, compiled code kept on disk.

Importing this module imports numba and must happen before anything in the process is compiled; use `jit` in place
of ``numba.njit`` and it does.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, TypeVar

import numba
from llvmlite import binding
from numba.core import config as _numba_config

from fhnbench.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")

_config: Any = _numba_config  # its settings are module attributes that are made when it is imported


def jit(**options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function to machine code when it is first called.

    Multiplications and additions are contracted to fused multiply-adds; no other liberty is taken with arithmetic,
    so NaN, infinity and division by zero behave as in NumPy. Compiled code is cached on disk: another process finds
    it again if the function's source file is unchanged and the function closes over nothing but numbers, strings and
    tuples of these. A function that closes over a compiled function, or takes one as an argument, is compiled anew in
    each process; refer to compiled functions by a global name. A change to a function in another file is not noticed,
    so functions that call each other belong into one file.

    Parameters
    ----------
    **options
        Further options of ``numba.njit`` (``parallel=True``).
    """
    njit: Any = numba.njit
    defaults = {"cache": True, "error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
    decorator: Callable[[Function], Function] = njit(**(defaults | options))
    return decorator


def use_threads(count: int | None = None) -> None:
    """Let parallel loops that the calling thread starts from now on use `count` threads, or all that there are.

    Call it before each loop, since others set the number, too. Only one thread of a process may run parallel loops.

    Raises
    ------
    Refused
        If this process may not use so many (CPU affinity, or the environment variable NUMBA_NUM_THREADS).
    """
    available = int(_config.NUMBA_NUM_THREADS)
    if count is not None and count > available:
        raise Refused(f"{count} threads asked for, this process may use {available}")
    numba.set_num_threads(available if count is None else count)


def _host_features() -> str:
    """Return the instruction sets of this machine as LLVM spells them; empty where the platform cannot tell."""
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        return ""
    # LLVM's tuning of many CPUs with AVX-512 prefers vectors of 256 bits, which halves the rate of long vector loops.
    return f"{features.flatten()},-prefer-256-bit" if features.get("avx512f") else str(features.flatten())


if _config.CPU_FEATURES is None:  # not set by the user (NUMBA_CPU_FEATURES)
    _config.CPU_FEATURES = _host_features() or None
if _config.THREADING_LAYER == "default":
    # Threads of OpenMP and TBB spin for a while after each parallel loop, at the cost of what is measured next.
    _config.THREADING_LAYER = "workqueue"

_instruction_sets = (_config.CPU_FEATURES or "").split(",")

REGISTER_BYTES = 64 if "+avx512f" in _instruction_sets else 32 if "+avx" in _instruction_sets else 16
"""Size of a vector register, as far as the machine code uses it."""

REGISTERS = 32 if "+avx512f" in _instruction_sets or platform.machine().lower() in {"arm64", "aarch64"} else 16
"""Number of vector registers."""
