"""One pass of a network with samples as columns: the torch module that `export_onnx` exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from fhnbench.training.module import ACTIVATIONS, NetworkModule

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench.workload import Precision


@final
class ColumnPass(torch.nn.Module):
    """One pass of a `NetworkModule` with samples as columns: inputs and outputs are rows, contiguous in memory.

    A row of outputs is then a row of the trajectories, and nothing needs to be transposed or copied.

    In float32 and float64 every tensor has that precision, and the normalisation is folded into the outer layers (in
    float64, rounded once). In the precisions of 16 bits the layers have that precision, and states, normalisation and
    increments are float32, with a cast before the first layer and one after the last: a state that is carried from
    pass to pass in 16 bits would lose most increments.

    Parameters
    ----------
    module
        Gives network, weights and normalisation.
    precision
        Of weights and layers.
    """

    input_shift: Tensor
    input_scale: Tensor
    output_shift: Tensor
    output_scale: Tensor

    def __init__(self, module: NetworkModule, precision: Precision) -> None:
        super().__init__()
        self.network = module.network
        self._dtype: torch.dtype = getattr(torch, precision)
        self._states_dtype = torch.float64 if precision == "float64" else torch.float32
        weights = [weight.detach().double() for weight in module.weights]
        biases = [bias.detach().double()[:, None] for bias in module.biases]
        shift, scale = module.output_shift.double()[:, None], module.output_scale.double()[:, None]
        self._is_scaled = self._is_rescaled = self._dtype != self._states_dtype
        if not self._is_scaled:
            weights[0] = weights[0] / module.input_scale
            biases[0] = biases[0] - weights[0] @ module.input_shift.double()[:, None]
            self._is_rescaled = self.network.activations[-1] != "identity"
        if not self._is_rescaled:
            weights[-1] = weights[-1] * scale
            biases[-1] = biases[-1] * scale + shift
        self.weights, self.biases = (
            torch.nn.ParameterList(torch.nn.Parameter(tensor.to(self._dtype), requires_grad=False) for tensor in group)
            for group in (weights, biases)
        )
        for name in ("input_shift", "input_scale", "output_shift", "output_scale"):
            self.register_buffer(name, getattr(module, name).double()[:, None].to(self._states_dtype))

    def forward(self, t: Tensor, u: Tensor, w: Tensor, i_app: Tensor) -> tuple[Tensor, ...]:
        """Return the states that one pass gives, u and w of one save point after the other.

        Parameters
        ----------
        t
            Time of the save point, ``[1, 1]``; a network that has no input t does not read it.
        u, w, i_app
            States at which the pass begins and applied currents, ``[1, n]``.

        Returns
        -------
        tuple of Tensor
            ``2 * pass_points`` rows ``[1, n]``.
        """
        named = {"t": t.expand_as(u), "u": u, "w": w, "i_app": i_app}
        x = torch.cat([named[name] for name in self.network.inputs])
        if self._is_scaled:
            x = (x - self.input_shift) / self.input_scale
        x = x.to(self._dtype)
        for weight, bias, name in zip(self.weights, self.biases, self.network.activations, strict=True):
            x = ACTIVATIONS[name](torch.addmm(bias, weight, x))
        x = x.to(self._states_dtype)
        if self._is_rescaled:
            x = x * self.output_scale + self.output_shift
        if self.network.output == "increment":
            x = x + torch.cat([u, w] * self.network.pass_points)
        return torch.split(x, 1)
