"""torch set up for a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fhnbench import Unavailable
from fhnbench_peers.array_execution import ArrayExecution

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Workload


def torch_execution(workload: Workload, device: str, compute: Callable[[Any, Any, Any], Any]) -> ArrayExecution:
    """Return an execution that calls a function of torch tensors, without recording it for differentiation.

    Parameters
    ----------
    workload, compute
        As for `ArrayExecution`.
    device
        ``cpu`` or ``cuda``.

    Raises
    ------
    Unavailable
        If torch finds no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("torch finds no CUDA device here; use device=cpu")
    torch.set_num_threads(workload.threads)
    return ArrayExecution(
        workload,
        torch.inference_mode()(compute),
        put=lambda values: torch.from_numpy(values.copy()).to(device),  # torch wraps no array that is read-only
        wait=torch.cuda.synchronize if device == "cuda" else lambda _tensor: None,
        get=lambda tensor: tensor.cpu().numpy(),
        device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
    )
