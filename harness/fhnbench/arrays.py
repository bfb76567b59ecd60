"""Arrays that start at an address which suits vector registers and cache lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes of a cache line, and of the widest vector registers."""


def aligned_full(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> NDArray[Any]:
    """Return a C-contiguous array filled with `value`, whose first element's address is a multiple of `ALIGNMENT`.

    Its pages are touched, so that page faults are not counted as a first user's computation.
    """
    size = math.prod(shape)
    itemsize = np.dtype(dtype).itemsize
    memory = np.full(size + ALIGNMENT // itemsize, value, dtype)
    start = -memory.ctypes.data % ALIGNMENT // itemsize
    return memory[start : start + size].reshape(shape)
