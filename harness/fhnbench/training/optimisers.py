"""First-order optimisers and learning-rate schedules, chosen by a recipe's names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from fhnbench.training.recipes import Recipe


def make_optimizer(name: str, parameters: Iterable[Tensor], learning_rate: float) -> torch.optim.Optimizer:
    """Return a recipe's optimiser."""
    if name == "soap":
        return Soap(parameters, learning_rate)
    return torch.optim.Adam(parameters, learning_rate, fused=True)


class Soap(torch.optim.Optimizer):
    """Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al., SOAP, 2024), for small weight matrices.

    Parameters
    ----------
    parameters
        Matrices, and vectors (which plain Adam updates).
    lr
        Learning rate.
    decay
        Decay of the moments and of the preconditioner.
    every
        Steps between refinements of the eigenbasis.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, decay: float = 0.95, every: int = 10) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "every": every})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closure, hence no loss to return
        """Update all parameters from their gradients."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    self._start(state, parameter.grad)
                self._update(parameter, parameter.grad, state, group)

    @staticmethod
    def _start(state: dict[str, Any], gradient: Tensor) -> None:
        state["step"] = 0
        state["mean"] = torch.zeros_like(gradient)
        state["square"] = torch.zeros_like(gradient)
        for side, matrix in _sides(gradient):
            state[f"{side}_factor"] = matrix
            state[f"{side}_basis"] = torch.linalg.eigh(matrix)[1].flip(1)

    def _update(self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        decay = group["decay"]
        state["step"] += 1
        correction = 1 - decay ** state["step"]
        state["mean"].lerp_(gradient, 1 - decay)
        turned = _turn(gradient, state)
        state["square"].lerp_(turned.square(), 1 - decay)
        direction = _turn(state["mean"], state) / correction
        direction /= (state["square"] / correction).sqrt_().add_(1e-8)
        parameter.sub_(_turn(direction, state, back=True), alpha=group["lr"])
        for side, matrix in _sides(gradient):
            state[f"{side}_factor"].lerp_(matrix, 1 - decay)
            if state["step"] % group["every"] == 0:
                _refine(side, state)


def _sides(gradient: Tensor) -> list[tuple[str, Tensor]]:
    if gradient.ndim < 2:
        return []
    return [("left", gradient @ gradient.T), ("right", gradient.T @ gradient)]


def _turn(matrix: Tensor, state: dict[str, Any], back: bool = False) -> Tensor:
    if matrix.ndim < 2:
        return matrix
    left: Tensor = state["left_basis"]
    right: Tensor = state["right_basis"]
    return left @ matrix @ right.T if back else left.T @ matrix @ right


def _refine(side: str, state: dict[str, Any]) -> None:
    """Improve an eigenbasis by one power iteration, its vectors in order of their eigenvalues."""
    basis = state[f"{side}_basis"]
    product = state[f"{side}_factor"] @ basis
    order = torch.argsort((basis * product).sum(0), descending=True)
    state[f"{side}_basis"] = torch.linalg.qr(product[:, order])[0]
    state["square"] = state["square"][order] if side == "left" else state["square"][:, order]


def one_cycle(recipe: Recipe, fraction: float) -> float:
    """Return the learning rate at a fraction of all steps: a linear rise over the warm-up, then half a cosine."""
    if fraction < recipe.warmup:
        return recipe.learning_rate * fraction / recipe.warmup
    descent = (fraction - recipe.warmup) / max(1 - recipe.warmup, 1e-9)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * descent))
