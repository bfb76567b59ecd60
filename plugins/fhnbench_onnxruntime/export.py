"""One pass of a network as an ONNX model, through torch's exporter."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, final

import onnx
import torch

from fhnbench import ACTIVATIONS, NetworkModule, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from fhnbench import Precision

OPSET = 18
"""The version of ONNX's operators that torch's exporter translates to without a conversion."""

INPUTS = ("t", "u", "w", "i_app")

_EXAMPLE_SAMPLES = 16


@final
class ColumnPass(torch.nn.Module):
    """One pass of a `NetworkModule` with samples as columns: inputs and outputs are rows, contiguous in memory.

    A row of outputs is then a row of the trajectories, and nothing needs to be transposed or copied. The normalisation
    is folded into the outer layers (in float64, rounded once).

    Parameters
    ----------
    module
        Gives network, weights and normalisation.
    dtype
        Of weights, inputs and outputs.
    """

    output_shift: Tensor
    output_scale: Tensor

    def __init__(self, module: NetworkModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = module.network
        weights = [weight.detach().double() for weight in module.weights]
        biases = [bias.detach().double()[:, None] for bias in module.biases]
        shift, scale = module.output_shift.double()[:, None], module.output_scale.double()[:, None]
        weights[0] = weights[0] / module.input_scale
        biases[0] = biases[0] - weights[0] @ module.input_shift.double()[:, None]
        self._is_rescaled = self.network.activations[-1] != "identity"
        if not self._is_rescaled:
            weights[-1] = weights[-1] * scale
            biases[-1] = biases[-1] * scale + shift
        self.weights, self.biases = (
            torch.nn.ParameterList(torch.nn.Parameter(tensor.to(dtype), requires_grad=False) for tensor in group)
            for group in (weights, biases)
        )
        self.register_buffer("output_shift", shift.to(dtype))
        self.register_buffer("output_scale", scale.to(dtype))

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
        rows = {"t": t.expand_as(u), "u": u, "w": w, "i_app": i_app}
        x = torch.cat([rows[name] for name in self.network.inputs])
        for weight, bias, name in zip(self.weights, self.biases, self.network.activations, strict=True):
            x = ACTIVATIONS[name](torch.addmm(bias, weight, x))
        if self._is_rescaled:
            x = x * self.output_scale + self.output_shift
        if self.network.output == "increment":
            x = x + torch.cat([u, w] * self.network.pass_points)
        return torch.split(x, 1)


def export_pass(module: torch.nn.Module, precision: Precision) -> bytes:
    """Return the ONNX model of one pass.

    Parameters
    ----------
    module
        The module of a surrogate family.
    precision
        float32 or float64.

    Returns
    -------
    bytes
        A serialised, checked ``ModelProto`` that computes what `ColumnPass` does, for any number of columns. Its
        inputs are named as in `INPUTS`; its outputs are in order.

    Raises
    ------
    Refused
        If the module is not exactly a `NetworkModule` (what another computes is not known), or uses a function that
        ONNX does not have.
    """
    if type(module) is not NetworkModule:
        raise Refused(f"only a NetworkModule can be exported, not a {type(module).__name__}; use the runtime torch")
    dtype = getattr(torch, precision)
    # Three rows: the exporter takes one that is given thrice for one input.
    rows = [torch.zeros(1, _EXAMPLE_SAMPLES, dtype=dtype) for _ in range(3)]
    columns = {1: torch.export.Dim.DYNAMIC}
    with _quiet_exporter():
        try:
            program = torch.onnx.export(
                ColumnPass(module, dtype).eval(),
                (torch.zeros(1, 1, dtype=dtype), *rows),
                input_names=INPUTS,
                dynamic_shapes=(None, columns, columns, columns),
                opset_version=OPSET,
                dynamo=True,
                optimize=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            cause = error.__cause__ or error
            reason = f"{type(cause).__name__}: {cause}".splitlines()[0]
            raise Refused(f"torch cannot export the network to ONNX ({reason}); use the runtime torch") from error
    assert program is not None
    onnx.checker.check_model(program.model_proto, full_check=True)
    serialised: bytes = program.model_proto.SerializeToString()
    return serialised


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep torch's exporter from warning of what does not concern this export, or of its own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # else it reports that torchvision's operators cannot be exported
    try:
        with warnings.catch_warnings():
            # Raised as torch copies its own tree of arguments.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
