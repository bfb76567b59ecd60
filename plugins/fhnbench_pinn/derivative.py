"""States and their time derivatives in one forward pass: a Taylor expansion of first order through the layers.

Value and slope travel together, so the backward pass of the loss is the only one. Even with the activations left to
autograd a training step took 0.6 times as long as with two nested backward passes, and as with `torch.func.jvp` (4,096
points of a network 4-64-64-64-2 tanh, one thread). Points at which only the state is asked for go through the same
pass, without a slope.

What it costs, in multiply-adds for each weight between hidden layers and each point: a forward pass takes 1, the
backward pass 2 (the gradients of inputs and of weights), so a state takes 3 and a state with its slope 6. A training
step with the equations at a fraction d of the points that have data, and the initial condition at a fraction s, costs
1 + 2 d + s times a step on the data alone at best: 4 with d = s = 1, as many points of each kind; 1.56 with d = 1/4 and
s = 1/16. Activations add to that: forward 2 passes over memory where a state alone takes 1, backward 4 where it
takes 1. The experiment ``training-cost`` measures 1.7 for the latter shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import one_hot

from fhnbench import LINEAR, Points, activate_with_slope, affine

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import NetworkModule


def states_and_rates(model: NetworkModule, points: Points, *others: Points) -> tuple[Tensor, Tensor]:
    """Return the states at points and their derivatives in t, differentiable in the weights.

    Parameters
    ----------
    model
        A direct network, or a stack of them.
    points
        Where to evaluate it.
    others
        Where to evaluate only the states, in the same pass.

    Returns
    -------
    states : Tensor
        ``[2, B]`` (of a stack of K: ``[2, K, B]``), those at `points` first.
    rates : Tensor
        ``[2, points.size]`` (``[2, K, points.size]``).
    """
    everywhere = Points.join([points, *others]) if others else points
    rows = model.columns(t=everywhere.t, state=everywhere.initial, i_app=everywhere.i_app)
    x = (rows - model.input_shift) / model.input_scale
    column = one_hot(torch.tensor(model.network.inputs.index("t")), len(model.network.inputs)).to(x)
    # All points have the same slope before the first activation.
    slope = (column / model.input_scale).expand(*rows.shape[:-2], 1, -1)
    for weight, bias, ranges in zip(model.weights, model.biases, model.activations, strict=True):
        x, slope = affine(x, weight, bias), affine(slope, weight)
        if ranges != LINEAR:
            x, slope = activate_with_slope(x, slope, points.size, ranges)
    states = (x * model.output_scale + model.output_shift).movedim(-1, 0)
    if model.network.output == "increment":
        states = states + everywhere.initial
    return states, (slope * model.output_scale).movedim(-1, 0)
