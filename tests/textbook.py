"""Runge-Kutta steps as textbooks have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fhnbench import FitzHughNagumo, Tableau


def textbook_step(tableau: Tableau, model: FitzHughNagumo, dt: float, u: Any, w: Any, i_app: Any) -> tuple[Any, Any]:
    """Take a step as any textbook has it."""
    slopes = [model.derivative(u, w, i_app)]
    for node in tableau.nodes:
        du, dw = slopes[-1]
        slopes.append(model.derivative(u + dt * node * du, w + dt * node * dw, i_app))
    du, dw = np.einsum("s,sv...->v...", tableau.weights, np.array(slopes))
    return u + dt * du, w + dt * dw
