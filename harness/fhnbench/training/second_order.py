"""The second phase of a training: damped Gauss-Newton (Levenberg-Marquardt) on all weights at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.func import functional_call, jacfwd, jacrev, vmap

from fhnbench.training.data import Batch, Points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from fhnbench.training.module import NetworkModule
    from fhnbench.training.objective import Objective

_CHUNK_ENTRIES = 16_000_000
"""Entries of the Jacobian that are held at a time."""


class GaussNewton:
    """Steps ``(J'J + damping diag(J'J)) step = -J'r`` in float64; the damping adapts to what a step achieved.

    Parameters
    ----------
    model
        Its weights are updated in place; float64.
    objective
        Gives the residuals r; with `softness` they are reweighted to the pseudo-Huber loss.
    softness
        As for `Objective.loss`.
    damping
        Initial damping.
    """

    def __init__(self, model: NetworkModule, objective: Objective, softness: float, damping: float = 1e-3) -> None:
        self.damping = damping
        self._model, self._objective, self._softness = model, objective, softness
        self._parameters = list(model.parameters())

    def step(self, batch: Batch) -> float:
        """Take a step that lowers the loss on `batch`, or none if damping finds none; return the loss before it."""
        before = self._loss(batch)
        matrix, slope = self._normal_equations(batch)
        diagonal = matrix.diagonal().clamp_min(matrix.diagonal().max() * 1e-12)
        start = [parameter.detach().clone() for parameter in self._parameters]
        for _ in range(8):
            damped = matrix + torch.diag(diagonal * self.damping)
            factor, failed = torch.linalg.cholesky_ex(damped)
            if not failed:
                self._move(start, -torch.cholesky_solve(slope[:, None], factor)[:, 0])
                if self._loss(batch) < before:
                    self.damping = max(self.damping / 5, 1e-12)
                    return before
            self.damping *= 4
        self._move(start, torch.zeros_like(slope))
        return before

    @torch.no_grad()
    def _loss(self, batch: Batch) -> float:
        return float(self._objective.loss(self._model, batch, self._softness))

    @torch.no_grad()
    def _move(self, start: list[Tensor], step: Tensor) -> None:
        offset = 0
        for parameter, origin in zip(self._parameters, start, strict=True):
            parameter.copy_(origin + step[offset : offset + origin.numel()].view_as(origin))
            offset += origin.numel()

    def _normal_equations(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return ``J'J`` and ``J'r`` over the weighted residuals of a batch."""
        size = batch.points.t.numel()
        count = sum(parameter.numel() for parameter in self._parameters)
        matrix = slope = torch.zeros(())
        rows = sum(r.numel() for r in self._residuals(_part(batch, slice(0, 1))).values())
        for part in _parts(batch, max(1, _CHUNK_ENTRIES // (rows * count))):
            jacobian, residual = self._jacobian(part, size, forward=rows > count)
            matrix = matrix + jacobian.T @ jacobian
            slope = slope + jacobian.T @ residual
        return matrix, slope

    @torch.no_grad()
    def _residuals(self, batch: Batch) -> dict[str, Tensor]:
        return self._objective.residuals(self._model, batch)

    def _jacobian(self, batch: Batch, size: int, *, forward: bool) -> tuple[Tensor, Tensor]:
        """Return the Jacobian ``[rows, weights]`` and the residuals ``[rows]`` of a part of a batch of `size`."""
        names = [name for name, _ in self._model.named_parameters()]
        runner = _Residuals(self._model, self._objective, size, self._softness)

        def sample(parameters: tuple[Tensor, ...], *leaves: Tensor) -> tuple[Tensor, Tensor]:
            one = _assemble(batch, [leaf.unsqueeze(-1) for leaf in leaves])
            named = {f"model.{name}": value for name, value in zip(names, parameters, strict=True)}
            rows = functional_call(runner, named, (one,))
            return rows, rows

        derivative = (jacfwd if forward else jacrev)(sample, has_aux=True)
        leaves = _leaves(batch)
        jacobians, rows = vmap(derivative, in_dims=(None, *(-1 for _ in leaves)))(tuple(self._parameters), *leaves)
        flat = [jacobian.detach().flatten(2).flatten(0, 1) for jacobian in jacobians]
        return torch.cat(flat, dim=1), rows.detach().flatten()


class _Residuals(torch.nn.Module):
    """The residuals of one sample as a vector whose squared norm is its part of the loss."""

    def __init__(self, model: NetworkModule, objective: Objective, size: int, softness: float) -> None:
        super().__init__()
        self.model = model
        self._objective, self._size, self._softness = objective, size, softness

    def forward(self, batch: Batch) -> Tensor:
        rows = []
        for name, residual in self._objective.residuals(self.model, batch).items():
            scale = (self._objective.weights[name] / (residual.numel() * self._size)) ** 0.5
            row = residual.flatten()
            if self._softness:
                # Iteratively reweighted: the weight's own derivative is left out.
                row = row * (1 + (row.detach() / self._softness).square()).pow(-0.25)
            rows.append(row * scale)
        return torch.cat(rows)


def _leaves(batch: Batch) -> list[Tensor]:
    groups = [batch.points] if batch.domain is None else [batch.points, batch.domain]
    leaves = [leaf for points in groups for leaf in (points.t, points.initial, points.i_app)]
    return leaves if batch.states is None else [*leaves, batch.states]


def _assemble(like: Batch, leaves: list[Tensor]) -> Batch:
    points = Points(*leaves[:3])
    domain = None if like.domain is None else Points(*leaves[3:6])
    return Batch(points, None if like.states is None else leaves[-1], domain)


def _part(batch: Batch, samples: slice) -> Batch:
    return _assemble(batch, [leaf[..., samples] for leaf in _leaves(batch)])


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, batch.points.t.numel(), size):
        yield _part(batch, slice(start, start + size))
