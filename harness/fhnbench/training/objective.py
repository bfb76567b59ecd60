"""What a family adds to the trainer: its residuals, and what data they need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.func import functional_call, jacrev, vmap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fhnbench.structure import Network
    from fhnbench.training.data import Batch
    from fhnbench.training.module import NetworkModule
    from fhnbench.training.recipes import Recipe
    from fhnbench.training.stack import NetworkStack


@dataclass(frozen=True, slots=True)
class TrainingDesign:
    """What a family makes of a task: all that the trainer needs.

    Parameters
    ----------
    network
        Layers, inputs, normalisation and scheme.
    objective
        The family's loss.
    recipes
        The family's recipes by name.
    finish
        The objective of the second phase; None: the same.
    """

    network: Network
    objective: Objective
    recipes: Mapping[str, Recipe]
    finish: Objective | None = None


class Objective(ABC):
    """A loss that is a weighted sum of mean squared residuals.

    That form is what the second-order phase of a training needs; a subclass says which residuals there are.

    Attributes
    ----------
    window
        Save intervals that each sample spans beyond its first point; None: no trajectories are needed.
    domain
        Whether batches must hold points without data.
    weights
        Weight of each term in the loss, by the names that `residuals` uses.
    """

    window: int | None
    domain: bool
    weights: Mapping[str, float]

    @abstractmethod
    def residuals(self, model: NetworkModule, batch: Batch) -> dict[str, Tensor]:
        """Return the residuals of a batch, by term, differentiable in the weights of `model`.

        The last axis of each is the batch's; a sample's residuals depend on that sample alone.
        """

    def jacobians(self, model: NetworkModule, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Return residuals and their derivatives in the weights, by term, sample by sample.

        The default differentiates `residuals`; override it where the structure of a loss allows better.

        Returns
        -------
        dict
            For each term residuals ``[B, rows]`` and their Jacobian ``[B, rows, P]``, in the order of ``parameters()``.
        """
        return differentiate(self, model, batch)

    def loss(self, model: NetworkModule, batch: Batch, softness: float = 0.0) -> Tensor:
        """Return the loss of a batch, a scalar.

        Parameters
        ----------
        model, batch
            As for `residuals`.
        softness
            0: the mean of squares. Otherwise the pseudo-Huber loss with this scale s,
            ``2 s^2 (sqrt(1 + (r/s)^2) - 1)``, which is r^2 for small residuals and 2 s |r| for large ones.
        """
        terms = [self.weights[name] * _penalty(r, softness).mean() for name, r in self.residuals(model, batch).items()]
        return torch.stack(terms).sum()

    def losses(self, stack: NetworkStack, batch: Batch, softness: float = 0.0) -> Tensor:
        """Return the loss of each network of a stack, ``[K]``.

        Parameters
        ----------
        stack
            Networks; none has a part in another's loss.
        batch
            What all are given; its tensors are ``[..., 1, B]``.
        softness
            As for `loss`.
        """
        terms = [
            self.weights[name] * _penalty(r, softness).mean(dim=[axis for axis in range(r.ndim) if axis != r.ndim - 2])
            for name, r in self.residuals(stack, batch).items()
        ]
        return torch.stack(terms).sum(0)


def differentiate(objective: Objective, model: NetworkModule, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
    """Return what `Objective.jacobians` does, for any objective: one backward pass for each residual of a sample."""
    names = [name for name, _ in model.named_parameters()]
    runner = _Residuals(model, objective)
    leaves = batch.leaves()

    def sample(parameters: tuple[Tensor, ...], *values: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        one = batch.with_leaves([value.unsqueeze(-1) for value in values])
        named = {f"model.{name}": value for name, value in zip(names, parameters, strict=True)}
        rows = functional_call(runner, named, (one,))
        return rows, rows

    derivative = vmap(jacrev(sample, has_aux=True), in_dims=(None, *(-1 for _ in leaves)))
    jacobians, residuals = derivative(tuple(model.parameters()), *leaves)
    return {
        name: (rows.detach(), torch.cat([part.detach().flatten(2) for part in jacobians[name]], dim=2))
        for name, rows in residuals.items()
    }


class _Residuals(torch.nn.Module):
    """The residuals of one sample, as vectors by term."""

    def __init__(self, model: NetworkModule, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self._objective = objective

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return {name: r.flatten() for name, r in self._objective.residuals(self.model, batch).items()}


def _penalty(residual: Tensor, softness: float) -> Tensor:
    squares = residual.square()
    if softness:
        squares = 2 * softness**2 * (torch.sqrt(1 + squares / softness**2) - 1)
    return squares
