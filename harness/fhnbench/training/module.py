"""The torch module of any `Network`: normalisation inside, evaluated over time by its scheme."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from fhnbench.artifact import Artifact, ArtifactMetadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from fhnbench.structure import Activation, Network
    from fhnbench.training.slopes import Ranges

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "silu": torch.nn.functional.silu,
    "relu": torch.relu,
    "sin": torch.sin,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "identity": lambda x: x,
}
"""The torch function of each activation that a `Network` may name."""


LINEAR: Ranges = ((slice(None), "identity"),)
"""The activations of a layer that has none."""


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x W^T + b`` of a layer.

    Parameters
    ----------
    x
        Rows ``[R, in]``; for a stack of K layers ``[K, R, in]``, or ``[1, R, in]`` where all read the same.
    weight
        ``[out, in]``; of a stack ``[K, out, in]``.
    bias
        ``[out]``; of a stack ``[K, 1, out]``.
    """
    if weight.ndim == 2:
        return torch.nn.functional.linear(x, weight, bias)
    x = x.expand(len(weight), -1, -1)
    return torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias, x, weight.mT)


class NetworkModule(torch.nn.Module):
    """A `Network` with weights, differentiable in its inputs and its weights.

    Parameters
    ----------
    network
        Layers, normalisation and scheme.
    save_points
        Number of save points T that `forward` gives unless told otherwise.
    save_interval
        Distance of save points, in time units.
    generator
        Draws the initial weights (Xavier; biases zero); without it they are zero.
    resolution
        0, or the standard deviation of the first layer's initial weights, whose units are then centred all over
        the range of the inputs: the larger, the finer the details that are seen at once.
    """

    input_shift: Tensor
    input_scale: Tensor
    output_shift: Tensor
    output_scale: Tensor

    def __init__(
        self,
        network: Network,
        save_points: int,
        save_interval: float,
        generator: torch.Generator | None = None,
        resolution: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.save_points = save_points
        self.save_interval = save_interval
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        for fan_in, fan_out in zip(network.widths, network.widths[1:], strict=False):
            weight = torch.zeros(fan_out, fan_in)
            if generator is not None:
                weight.normal_(0.0, math.sqrt(2 / (fan_in + fan_out)), generator=generator)
            self.weights.append(torch.nn.Parameter(weight))
            self.biases.append(torch.nn.Parameter(torch.zeros(fan_out)))
        if resolution and generator is not None:
            with torch.no_grad():
                first = self.weights[0].normal_(0.0, resolution, generator=generator)
                centres = torch.empty_like(first).uniform_(-1.0, 1.0, generator=generator)
                self.biases[0].copy_(-(first * centres).sum(1))
        for name in ("input_shift", "input_scale", "output_shift", "output_scale"):
            self.register_buffer(name, torch.tensor(getattr(network, name)))

    @property
    def activations(self) -> tuple[Ranges, ...]:
        """The activation of each layer, as `fhnbench.activate_with_slope` takes it."""
        return tuple(((slice(None), name),) for name in self.network.activations)

    @classmethod
    def of(cls, artifact: Artifact) -> NetworkModule:
        """Return the module of a trained artifact, for `SurrogateFamily.module`."""
        problem = artifact.metadata.problem
        module = cls(artifact.network, problem.save_points, problem.save_interval)
        with torch.no_grad():
            for own, trained in zip(module.weights, artifact.weights, strict=True):
                own.copy_(torch.from_numpy(trained.copy()))
            for own, trained in zip(module.biases, artifact.biases, strict=True):
                own.copy_(torch.from_numpy(trained.copy()))
        return module

    def artifact(self, metadata: ArtifactMetadata) -> Artifact:
        """Return the present weights as an artifact, float32 on the host."""
        weights, biases = (
            tuple(np.ascontiguousarray(p.detach().cpu().numpy(), dtype=np.float32).copy() for p in group)
            for group in (self.weights, self.biases)
        )
        return Artifact.of_layers(metadata, weights, biases)

    def columns(self, *, t: Tensor | None, state: Tensor, i_app: Tensor) -> Tensor:
        """Return the rows ``[R, inputs]`` that the network reads.

        Parameters
        ----------
        t
            Times ``[R]``; not read by an iterative network.
        state
            State at which the pass begins (a direct network: the initial state), ``[2, R]``.
        i_app
            Applied currents ``[R]``.
        """
        named = {"t": t, "u": state[0], "w": state[1], "i_app": i_app}
        columns = [named[name] for name in self.network.inputs]
        given = [column for column in columns if column is not None]
        return torch.stack(torch.broadcast_tensors(*given), dim=-1)  # type: ignore[no-untyped-call]

    def perceptron(self, x: Tensor) -> Tensor:
        """Return the outputs ``[R, 2 * pass_points]`` for input rows ``[R, inputs]``, both in physical units.

        The layers compute in the precision of the weights, the normalisation in that of the buffers.
        """
        x = ((x - self.input_shift) / self.input_scale).to(self.weights[0].dtype)
        for weight, bias, name in zip(self.weights, self.biases, self.network.activations, strict=True):
            x = ACTIVATIONS[name](torch.nn.functional.linear(x, weight, bias))
        return x.to(self.output_scale.dtype) * self.output_scale + self.output_shift

    @torch.no_grad()
    def linearise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return outputs and their derivatives, sample by sample.

        Parameters
        ----------
        x
            Input rows ``[R, inputs]``.

        Returns
        -------
        outputs : Tensor
            ``[R, out]``, as `perceptron` gives them.
        by_inputs : Tensor
            ``[R, out, inputs]``.
        by_weights : Tensor
            ``[R, out, P]``, in the order of ``parameters()``.
        """
        layers = list(zip(self.weights, self.biases, self.network.activations, strict=True))
        values = [(x - self.input_shift) / self.input_scale]
        slopes: list[Tensor] = []
        for weight, bias, name in layers:
            z = torch.nn.functional.linear(values[-1], weight, bias)
            value, slope = _value_and_slope(ACTIVATIONS[name], z)
            values.append(value)
            slopes.append(slope)
        delta = torch.diag(self.output_scale).expand(len(x), -1, -1)
        by_weight: list[Tensor] = []
        by_bias: list[Tensor] = []
        for (weight, _, _), value, slope in reversed(list(zip(layers, values[:-1], slopes, strict=True))):
            delta = delta * slope[:, None]
            by_weight.insert(0, (delta[..., None] * value[:, None, None]).flatten(2))
            by_bias.insert(0, delta)
            delta = delta @ weight
        outputs = values[-1] * self.output_scale + self.output_shift
        return outputs, delta / self.input_scale, torch.cat([*by_weight, *by_bias], dim=2)

    def advance(self, *, t: Tensor | None = None, state: Tensor, i_app: Tensor) -> Tensor:
        """Evaluate one pass.

        Parameters
        ----------
        t, state, i_app
            As for `columns`.

        Returns
        -------
        Tensor
            States ``[pass_points, 2, R]``.
        """
        outputs = self.perceptron(self.columns(t=t, state=state, i_app=i_app))
        states = outputs.movedim(-1, 0)
        states = states.reshape(self.network.pass_points, 2, *states.shape[1:])
        return states + state if self.network.output == "increment" else states

    def forward(self, u0: Tensor, w0: Tensor, i_app: Tensor, save_points: int | None = None) -> Tensor:
        """Return the trajectories of an ensemble.

        Parameters
        ----------
        u0, w0, i_app
            Initial states and currents, ``[N]``.
        save_points
            Number of save points T, the initial state included; that of the module's problem by default.

        Returns
        -------
        Tensor
            ``states[T, 2, N]``; the first save point is the initial state.
        """
        points = self.save_points if save_points is None else save_points
        initial = torch.stack([u0, w0])
        passes = [initial[None]]
        if self.network.scheme == "direct":
            for point in range(1, points):
                t = torch.full_like(u0, point * self.save_interval)
                passes.append(self.advance(t=t, state=initial, i_app=i_app))
        else:
            for _ in range(self.network.passes(points)):
                passes.append(self.advance(state=passes[-1][-1], i_app=i_app))
        return torch.cat(passes)[:points]


@torch.enable_grad()
def _value_and_slope(function: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """Return an elementwise function and its derivative at z."""
    z = z.detach().requires_grad_()
    value = function(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), slope
