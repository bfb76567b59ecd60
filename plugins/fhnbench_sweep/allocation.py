"""How the C library treats memory that is freed."""

from __future__ import annotations

import ctypes
import functools
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt in malloc.h."""


@functools.cache
def keep_freed_memory() -> None:
    """Keep blocks of up to 32 MB that are freed in this process, where the C library is glibc.

    A training step allocates and frees the same megabytes as the one before it. Dask starts its workers with
    MALLOC_TRIM_THRESHOLD_=65536, which also keeps glibc from learning that: each block of 128 kB and more comes as
    pages of zeros from the kernel and goes back at once. That was measured to double the time of a step and of an
    evaluation.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**25)
        mallopt(_TRIM_THRESHOLD, 2**30)
