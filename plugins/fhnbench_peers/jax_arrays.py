"""JAX set up for a workload."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench import Refused, Unavailable
from fhnbench_peers.array_execution import ArrayExecution

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench import Workload

_threads: list[int] = []
"""Size of the thread pool that JAX was started with in this process."""


def jax_execution(
    workload: Workload,
    device: str,
    compute: Callable[[Any, Any, Any], Any],
    get: Callable[[Any], NDArray[Any]] = np.asarray,
) -> ArrayExecution:
    """Return an execution that calls a function of JAX arrays, compiled by ``jax.jit``.

    Parameters
    ----------
    workload, compute, get
        As for `ArrayExecution`.
    device
        ``cpu`` or ``cuda``.

    Raises
    ------
    Unavailable
        If JAX finds no such device.
    Refused
        If JAX runs in this process already, with another number of threads.
    """
    _start_threads(workload.threads)
    import jax

    jax.config.update("jax_enable_x64", True)  # permits float64; every array here states its dtype
    try:
        place = jax.devices(device)[0]
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(f"JAX finds no device {device!r} ({reason}); pip install 'jax[cuda13]' for NVIDIA") from None
    name = "cpu" if device == "cpu" else str(place.device_kind)
    return ArrayExecution(
        workload,
        jax.jit(compute),
        put=lambda values: jax.device_put(values.copy(), place),  # on the CPU, JAX may keep an array as it is
        wait=jax.block_until_ready,
        get=get,
        device=name,
    )


def _start_threads(count: int) -> None:
    """Let JAX start as many threads as are asked for; its pool is made once, from this variable."""
    if not _threads:
        os.environ["NPROC"] = str(count)
        _threads.append(count)
    if _threads[0] != count:
        raise Refused(f"JAX was started with {_threads[0]} threads in this process, asked are {count}")
