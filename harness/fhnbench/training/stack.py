"""Many networks as one module: parameters stacked, narrower layers padded with zeros."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import torch

from fhnbench.training.fused_slopes import activate_in_place, codes_of
from fhnbench.training.module import LINEAR, NetworkModule, affine
from fhnbench.training.slopes import activate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from fhnbench.structure import Network
    from fhnbench.training.slopes import Ranges


class NetworkStack(NetworkModule):
    """K networks of one problem and scheme with as many layers, evaluated and differentiated at once.

    Where a `NetworkModule` takes and gives ``[..., R]``, a stack takes ``[..., 1, R]`` (the same for all) or
    ``[..., K, R]`` and gives ``[..., K, R]``. An objective that is written for one works on it.

    Parameters
    ----------
    modules
        The networks; their weights are copied.

    Attributes
    ----------
    masks
        For each parameter, in the order of ``parameters()``: ones where it belongs to a network, zeros where it pads.
    """

    def __init__(self, modules: Sequence[NetworkModule]) -> None:
        first = modules[0]
        widths = tuple(max(sizes) for sizes in zip(*(module.network.widths for module in modules), strict=True))
        super().__init__(msgspec.structs.replace(first.network, widths=widths), first.save_points, first.save_interval)
        self.networks: list[Network] = [module.network for module in modules]
        weights, biases = list(self.weights), list(self.biases)
        masks = []
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            stacked_weight = torch.zeros(len(modules), *weight.shape)
            stacked_bias = torch.zeros(len(modules), 1, *bias.shape)
            masks.append((torch.zeros_like(stacked_weight), torch.zeros_like(stacked_bias)))
            for k, module in enumerate(modules):
                rows, columns = module.weights[layer].shape
                stacked_weight[k, :rows, :columns] = module.weights[layer].detach()
                stacked_bias[k, 0, :rows] = module.biases[layer].detach()
                masks[-1][0][k, :rows, :columns] = 1
                masks[-1][1][k, 0, :rows] = 1
            self.weights[layer] = torch.nn.Parameter(stacked_weight)
            self.biases[layer] = torch.nn.Parameter(stacked_bias)
        self.masks: list[Tensor] = [*(weight for weight, _ in masks), *(bias for _, bias in masks)]
        self._ranges = [self._ranges_of(layer) for layer in range(len(weights))]
        self._codes = [codes_of([one.activations[layer] for one in self.networks]) for layer in range(len(weights))]

    @property
    def size(self) -> int:
        """How many networks there are."""
        return len(self.networks)

    @property
    def activations(self) -> tuple[Ranges, ...]:
        """For each layer the activations of ranges of the stack."""
        return tuple(self._ranges)

    def perceptron(self, x: Tensor) -> Tensor:
        """Return the outputs ``[K, R, 2 * pass_points]`` for input rows ``[1 or K, R, inputs]``."""
        x = (x - self.input_shift) / self.input_scale
        fused = x.device.type == "cpu" and x.dtype == torch.float32
        for weight, bias, ranges, codes in zip(self.weights, self.biases, self._ranges, self._codes, strict=True):
            x = affine(x, weight, bias)
            if ranges != LINEAR:
                x = activate_in_place(x, codes) if fused else activate(x, ranges)
        return x * self.output_scale + self.output_shift

    def forward(self, u0: Tensor, w0: Tensor, i_app: Tensor, save_points: int | None = None) -> Tensor:
        """Return the trajectories ``[T, 2, K, N]`` of an ensemble ``[N]`` by all networks."""
        u0, w0, i_app = (values.expand(self.size, -1) for values in (u0, w0, i_app))
        return super().forward(u0, w0, i_app, save_points)

    def member(self, index: int, parameters: Sequence[Tensor] | None = None) -> NetworkModule:
        """Return a network by itself.

        Parameters
        ----------
        index
            Which one.
        parameters
            Stacked parameters to take in place of the present ones, in the order of ``parameters()``.
        """
        given = list(self.parameters()) if parameters is None else list(parameters)
        weights, biases = given[: len(self.weights)], given[len(self.weights) :]
        module = NetworkModule(self.networks[index], self.save_points, self.save_interval)
        with torch.no_grad():
            for own, weight in zip(module.weights, weights, strict=True):
                own.copy_(weight[index, : own.shape[0], : own.shape[1]])
            for own, bias in zip(module.biases, biases, strict=True):
                own.copy_(bias[index, 0, : own.shape[0]])
        return module

    def _ranges_of(self, layer: int) -> Ranges:
        named = [network.activations[layer] for network in self.networks]
        ranges = []
        for name, run in itertools.groupby(range(len(named)), key=lambda k: named[k]):
            places = list(run)
            ranges.append((slice(places[0], places[-1] + 1), str(name)))
        return LINEAR if {name for _, name in ranges} == {"identity"} else tuple(ranges)
