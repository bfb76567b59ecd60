"""numba, set up once: full vector width, threads that sleep when idle, compiled code kept on disk.

Importing this module imports numba and must happen before anything in the process is compiled; use `jit` in place
of ``numba.njit`` and it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numba
from llvmlite import binding
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")


def jit(**options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function to machine code when it is first called.

    Multiplications and additions are contracted to fused multiply-adds; no other liberty is taken with arithmetic,
    so NaN and infinity behave as in NumPy, and so does division by zero. Compiled code is cached on disk: it is
    found again by another process if the function's source file is unchanged and the values of its closure are
    numbers, strings or tuples of these. A closure over a compiled function is compiled anew in each process; refer
    to such functions by their global name.

    Parameters
    ----------
    **options
        Further options of ``numba.njit`` (``parallel=True``).
    """
    return numba.njit(**{"cache": True, "error_model": "numpy", "fastmath": {"contract"}, "nogil": True, **options})


def _use_full_vector_width() -> None:
    # LLVM's tuning of many CPUs with AVX-512 prefers vectors of 256 bits, which halves the rate of long vector loops.
    if config.CPU_FEATURES is not None:
        return  # set by the user (NUMBA_CPU_FEATURES)
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        return  # this platform cannot tell; numba then uses LLVM's defaults
    if features.get("avx512f") and config.ENABLE_AVX:
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


def _use_threads_that_sleep() -> None:
    # OpenMP and TBB threads spin for a while after each parallel loop, at the cost of whoever is measured next.
    if config.THREADING_LAYER == "default":
        config.THREADING_LAYER = "workqueue"


_use_full_vector_width()
_use_threads_that_sleep()
