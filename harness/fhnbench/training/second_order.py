"""The second phase of a training: damped Gauss-Newton (Levenberg-Marquardt) on all weights at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench.training.data import Batch
    from fhnbench.training.module import NetworkModule
    from fhnbench.training.objective import Objective

MOST_WEIGHTS = 5_000
"""Networks with more weights are not trained by Gauss-Newton: its matrix has the square of their number of entries."""

_JACOBIAN_ENTRIES = 8_000_000
"""Entries of the Jacobian that are held at a time (64 MB)."""

_ATTEMPTS = 8


def require_small(model: NetworkModule) -> None:
    """Raise `FhnbenchError` if a network is too large for `GaussNewton`."""
    count = sum(parameter.numel() for parameter in model.parameters())
    if count > MOST_WEIGHTS:
        raise FhnbenchError(
            f"the second phase is for networks of at most {MOST_WEIGHTS:,} weights, and this one has {count:,}; "
            f"train it with --set finish_steps=0"
        )


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

    def __init__(self, model: NetworkModule, objective: Objective, softness: float, damping: float) -> None:
        self.damping = damping
        self._model, self._objective, self._softness = model, objective, softness
        self._parameters = list(model.parameters())
        self._count = sum(parameter.numel() for parameter in self._parameters)

    def step(self, batch: Batch) -> float:
        """Take a step that lowers the loss on `batch`, or none if no damping gives one; return the loss before it."""
        before = self._loss(batch)
        matrix, slope = self._normal_equations(batch)
        diagonal = matrix.diagonal().clamp_min(float(matrix.diagonal().max()) * 1e-12)
        start = [parameter.detach().clone() for parameter in self._parameters]
        for _ in range(_ATTEMPTS):
            factor, failed = torch.linalg.cholesky_ex(matrix + torch.diag(diagonal * self.damping))
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

    @torch.no_grad()
    def _normal_equations(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return ``J'J`` and ``J'r`` over the weighted residuals of a batch."""
        size = batch.points.t.numel()
        probe = self._objective.residuals(self._model, batch[:1])
        rows = sum(residual.numel() for residual in probe.values())
        chunk = max(1, _JACOBIAN_ENTRIES // (rows * self._count))
        matrix = self._parameters[0].new_zeros(self._count, self._count)
        slope = matrix.new_zeros(self._count)
        for start in range(0, size, chunk):
            jacobians = self._objective.jacobians(self._model, batch[start : start + chunk])
            for name, (residual, jacobian) in jacobians.items():
                scale = torch.full_like(residual, self._objective.weights[name] / (residual.shape[1] * size))
                if self._softness:
                    # Iteratively reweighted least squares: the weight's own derivative is left out.
                    scale = scale * (1 + (residual / self._softness).square()).rsqrt()
                flat = jacobian.flatten(0, 1)
                weighted = flat * scale.reshape(-1, 1)
                matrix.addmm_(flat.T, weighted)
                slope.addmv_(weighted.T, residual.flatten())
        return matrix, slope
