"""A module prepared for a workload: buffers allocated, weights converted, threads pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch

from fhnbench import Effective, Execution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Workload
    from fhnbench_torch.runtime import Torch


@final
class TorchExecution(Execution):
    """Evaluate a module, a chunk of samples at a time.

    Parameters
    ----------
    module
        From ``(u0, w0, i_app, save_points)`` to ``states[T, 2, chunk]``. In the precisions of 16 bits its weights are
        converted, and its inputs, outputs and buffers (the normalisation) stay float32.
    workload, options
        As for `Torch.prepare`.
    """

    def __init__(self, module: torch.nn.Module, workload: Workload, options: Torch) -> None:
        torch.set_num_threads(workload.threads)
        device = torch.device(options.device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
        self.effective = Effective(name, workload.precision)
        self._device, self._points, self._chunk = device, workload.save_points, options.chunk
        module = module.eval().requires_grad_(False).to(device)
        if workload.precision == "float64":
            module = module.double()
        else:
            for parameter in module.parameters():
                parameter.data = parameter.data.to(getattr(torch, workload.precision))
        dtype = torch.float64 if workload.precision == "float64" else torch.float32
        self._inputs = torch.zeros(3, workload.size, dtype=dtype, device=device)
        # Inputs are read-only, and torch wraps no array that it may not write to.
        on_device = device.type != "cpu"
        self._staging = torch.empty(3, workload.size, dtype=dtype, pin_memory=True) if on_device else self._inputs
        # Touched here, so that page faults of the first run are not counted as computation.
        self._states = torch.full(workload.shape, torch.nan, dtype=dtype, device=device)
        self._module = torch.compile(module, dynamic=False) if options.compile else module
        if options.compile:
            self.run()
            self.synchronize()

    def upload(self, ensemble: Ensemble) -> None:
        """Copy the inputs to the device."""
        for own, name in zip(self._staging.numpy(), ("u0", "w0", "i_app"), strict=True):
            own[:] = getattr(ensemble, name)
        self._inputs.copy_(self._staging)

    @torch.inference_mode()
    def run(self) -> None:
        """Evaluate all chunks into the buffer of the trajectories; activations of a chunk are all that is allocated."""
        inputs, states = torch.split(self._inputs, self._chunk, 1), torch.split(self._states, self._chunk, 2)
        for (u0, w0, i_app), chunk in zip(inputs, states, strict=True):
            chunk.copy_(self._module(u0, w0, i_app, self._points))

    def synchronize(self) -> None:
        """Wait for the device."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def output(self) -> NDArray[Any]:
        """Return the trajectories on the host."""
        states: NDArray[Any] = self._states.cpu().numpy()
        return states

    def close(self) -> None:
        """Do nothing: the buffers are freed with this object."""
