"""The families: their losses by hand and by autograd, their options, and that each learns."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from fhnbench import (
    Ensemble,
    FhnbenchError,
    NetworkModule,
    Recipe,
    TrainingTask,
    direct_network,
    iterative_network,
    standard_problem,
    typical_trajectories,
)
from fhnbench.reference import integrate
from fhnbench.training.data import Batch, Points, Supply
from fhnbench.training.networks import HIDDEN_ACTIVATIONS
from fhnbench.training.objective import differentiate
from fhnbench.training.second_order import GaussNewton
from fhnbench_ddnn.family import DataDriven
from fhnbench_ddnn.objective import DataLoss
from fhnbench_itnn.family import Iterative
from fhnbench_itnn.objective import UpdateLoss
from fhnbench_pinn.derivative import states_and_rates
from fhnbench_pinn.family import PhysicsInformed
from fhnbench_pinn.objective import PhysicsLoss

PROBLEM = standard_problem("C", horizon=10.0)
TYPICAL = typical_trajectories(PROBLEM)
CELL = PROBLEM.model


def module(network, seed=0):
    return NetworkModule(network, PROBLEM.save_points, 1.0, torch.Generator().manual_seed(seed)).double()


def direct(activation="tanh", output="state"):
    return module(direct_network(PROBLEM, (5, 4), (activation,) * 2, TYPICAL, output))


def iterative(output="increment", pass_points=1):
    return module(iterative_network(PROBLEM, (5, 4), ("tanh", "silu"), TYPICAL, output, pass_points))


def batch(objective, size=6):
    supply = Supply(PROBLEM, Recipe(pool=50), 0, "cpu")
    supply.require(objective)
    supply.begin_round(0)
    return supply.draw_even(size).double()


def constant(network, values):
    """Return a module whose layers are zero, so that its outputs are the shift: `values`."""
    made = NetworkModule(network, PROBLEM.save_points, 1.0).double()
    made.output_shift.copy_(torch.tensor(values))
    return made


def points(size=1, t=0.0):
    initial = torch.tensor([[1.0], [0.5]], dtype=torch.float64).repeat(1, size)
    return Points(torch.full((size,), t).double(), initial, torch.full((size,), 0.25).double())


def test_data_loss_by_hand():
    model = constant(direct().network, [3.0, -1.0])
    states = torch.tensor([[[1.0, 2.0], [0.0, 1.0]]], dtype=torch.float64)
    loss = DataLoss().loss(model, Batch(points(2), states))
    # Half of (3-1)^2 + (-1-0)^2 = 5 and of (3-2)^2 + (-1-1)^2 = 5, averaged over two samples.
    assert loss.item() == pytest.approx(2.5)


def test_update_loss_by_hand():
    model = constant(iterative("increment").network, [1.0, -1.0])
    # From (1, 0) two increments give (2, -1) and (3, -2).
    states = torch.tensor([[[1.0], [0.0]], [[2.5], [-1.0]], [[3.0], [-3.0]]], dtype=torch.float64)
    loss = UpdateLoss(unroll=2).loss(model, Batch(points(), states))
    assert loss.item() == pytest.approx((0.5**2 + 0 + 0 + 1) / 4)
    # A network of states forgets where it began.
    model = constant(iterative("state").network, [1.0, -1.0])
    loss = UpdateLoss(unroll=2).loss(model, Batch(points(), states))
    assert loss.item() == pytest.approx((1.5**2 + 0 + 2**2 + 2**2) / 4)


def test_physics_loss_by_hand():
    model = constant(direct().network, [1.0, 2.0])
    states = torch.tensor([[[0.0], [0.0]]], dtype=torch.float64)
    samples = Batch(points(), states, points(), points())
    terms = PhysicsLoss(CELL, 1.0, 1.0, 100.0).residuals(model, samples)
    # A constant has no slope: the residual is minus the right-hand side at (u, w, I) = (1, 2, 0.25).
    du, dw = 1 - 1 / 3 - 2 + 0.25, (1 + 0.7 - 0.8 * 2) / 12.5
    assert terms["physics"].flatten().tolist() == pytest.approx([-du, -dw])
    assert terms["boundary"].flatten().tolist() == pytest.approx([0.0, 1.5])
    assert terms["data"].flatten().tolist() == pytest.approx([1.0, 2.0])
    loss = PhysicsLoss(CELL, 1.0, 1.0, 100.0).loss(model, samples)
    assert loss.item() == pytest.approx((1 + 4) / 2 + (du**2 + dw**2) / 2 + 100 * 1.5**2 / 2)


def test_looking_back_continues_the_initial_state_and_then_the_networks_own():
    model = constant(direct().network, [1.0, 2.0])
    where = points(2)
    where.t.copy_(torch.tensor([2.0, 7.0]))
    objective = PhysicsLoss(CELL, 0.0, 1.0, 0.0, lookback=5.0)
    (residual,) = objective.residuals(model, Batch(where, None, where, where)).values()
    began = Ensemble(np.ones(2), np.array([0.5, 2.0]), np.full(2, 0.25), CELL)
    states = integrate(PROBLEM, began, 0.01, "rk4")
    expected = torch.tensor([[1.0], [2.0]]) - torch.from_numpy(np.stack([states[2, :, 0], states[5, :, 1]], axis=1))
    torch.testing.assert_close(residual, expected, atol=2e-3, rtol=0)
    # Nothing flows into the earlier state: the loss depends on the outputs at the points alone.
    (gradient,) = torch.autograd.grad(residual.sum(), [model.biases[-1]])
    torch.testing.assert_close(gradient, 2 * model.output_scale)


def test_without_data_no_trajectories_are_asked_for():
    objective = PhysicsLoss(CELL, 0.0, 1.0, 100.0)
    assert objective.window is None
    assert set(objective.residuals(direct(), batch(objective))) == {"physics", "boundary"}


def test_softness_is_squares_when_small_and_absolute_when_large():
    states = torch.tensor([[[1e-4], [0.0]]], dtype=torch.float64)
    model = constant(direct().network, [0.0, 0.0])
    assert DataLoss().loss(model, Batch(points(), states), 1.0).item() == pytest.approx(1e-8 / 2, rel=1e-6)
    assert DataLoss().loss(model, Batch(points(), 1e10 * states, None), 1.0).item() == pytest.approx(1e6, rel=1e-5)


@pytest.mark.parametrize("output", ["state", "increment"])
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_states_and_rates_are_what_autograd_gives_and_so_are_their_gradients(activation, output):
    model = direct(activation, output)
    samples = batch(PhysicsLoss(CELL, 1.0, 1.0, 1.0), 20)
    where, others = samples.domain, samples.points
    states, rates = states_and_rates(model, where, others)
    t = where.t.clone().requires_grad_()
    expected = model.advance(t=t, state=where.initial, i_app=where.i_app)[0]
    torch.testing.assert_close(states[:, :20], expected)
    besides = model.advance(t=others.t, state=others.initial, i_app=others.i_app)[0]
    torch.testing.assert_close(states[:, 20:], besides)
    slopes = [torch.autograd.grad(row.sum(), t, create_graph=True)[0] for row in expected]
    torch.testing.assert_close(rates, torch.stack(slopes))
    loss, same = (
        (states.square() + 1).log().sum() + rates.square().sum(),
        sum((values.square() + 1).log().sum() for values in (expected, besides)) + torch.stack(slopes).square().sum(),
    )
    parameters = tuple(model.parameters())
    gradients = [torch.autograd.grad(value, parameters, allow_unused=True) for value in (loss, same)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        (direct(), DataLoss()),
        (direct(output="increment"), PhysicsLoss(CELL, 1.0, 1.0, 100.0)),
        (direct("silu"), PhysicsLoss(CELL, 0.0, 1.0, 1.0)),
        (iterative(), UpdateLoss(1)),
        (iterative("state"), UpdateLoss(4)),
        (iterative("increment", 2), UpdateLoss(3, 2)),
    ],
)
def test_jacobians_and_gradients_agree_with_finite_differences(model, objective):
    data = batch(objective)
    jacobians = objective.jacobians(model, data)
    weights = list(model.parameters())
    objective.loss(model, data, 0.05).backward()
    gradient = torch.cat([weight.grad.flatten() for weight in weights])
    assert (gradient != 0).float().mean() > 0.9
    direction = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(1)).double()

    def moved(step):
        offset = 0
        with torch.no_grad():
            for weight in weights:
                part = direction[offset : offset + weight.numel()].view_as(weight)
                weight.add_(part, alpha=step)
                offset += weight.numel()
            return objective.residuals(model, data), objective.loss(model, data, 0.05).item()

    (ahead, loss_ahead), (behind, loss_behind) = moved(1e-5), moved(-2e-5)
    moved(1e-5)
    assert float(gradient @ direction) == pytest.approx((loss_ahead - loss_behind) / 2e-5, rel=1e-5)
    for name, (residual, jacobian) in jacobians.items():
        slope = ((ahead[name] - behind[name]) / 2e-5).flatten(0, -2).T
        torch.testing.assert_close(jacobian @ direction, slope, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(residual, objective.residuals(model, data)[name].flatten(0, -2).T)


@pytest.mark.parametrize("pass_points", [1, 2])
@pytest.mark.parametrize("output", ["state", "increment"])
def test_the_chained_derivatives_of_itnn_are_those_of_autograd(output, pass_points):
    model, objective = iterative(output, pass_points), UpdateLoss(3, pass_points)
    data = batch(objective)
    fast, general = objective.jacobians(model, data)["update"], differentiate(objective, model, data)["update"]
    for ours, expected in zip(fast, general, strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("softness", [0.0, 0.02])
def test_gauss_newton_lowers_the_loss_at_every_step(softness):
    model, objective = iterative(), UpdateLoss(3)
    data = batch(objective, 100)
    solver = GaussNewton(model, objective, softness, 1e-3)
    losses = [solver.step(data) for _ in range(10)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 3


FAMILIES = [
    # Steps that reach the error in about a second.
    (DataDriven(), "A", 10.0, {"points_per_interval": 4, "finish_steps": 40, "finish_batch": 200, "softness": 0}, 2e-2),
    (Iterative(), "B", 10.0, {"finish_steps": 40, "finish_batch": 100, "steps": 100}, 2e-2),
    (
        PhysicsInformed(data=0.0),
        "A",
        2.0,
        {"steps": 0, "finish_steps": 60, "finish_batch": 200, "resolution": 0, "curriculum": 0},
        2e-2,
    ),
    (PhysicsInformed(data=0.0, boundary=1.0, lookback=2.0), "A", 4.0, {"domain_share": 1, "steps": 250}, 5e-2),
]


@pytest.mark.parametrize(("family", "name", "horizon", "overrides", "error"), FAMILIES)
def test_a_family_learns(family, name, horizon, overrides, error, tmp_path, monkeypatch):
    monkeypatch.setattr("fhnbench.training.record.TEST_SAMPLES", 200)
    problem = standard_problem(name, horizon=horizon)
    quick = {"pool": 500, "batch": 200, "round_steps": 50, "steps": 100, "validation_samples": 50, **overrides}
    task = TrainingTask("x", problem, (8, 8), ("tanh",) * 2, tmp_path / "c", overrides=quick)
    artifact = family.train(task)
    assert artifact.metadata.validation["mae"] < error
    # The artifact's module reproduces what was validated, and its gradients flow to the inputs.
    ensemble = problem.sample(3, seed=1)
    u0, w0, i_app = (torch.from_numpy(getattr(ensemble, key)).float() for key in ("u0", "w0", "i_app"))
    states = family.module(artifact)(u0.requires_grad_(), w0, i_app)
    assert states.shape == (problem.save_points, 2, 3)
    np.testing.assert_array_equal(states[0, 0].detach(), u0.detach())
    states.sum().backward()
    assert torch.isfinite(u0.grad).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PhysicsInformed(data=-1), "data=-1"),
        (lambda: PhysicsInformed(physics=0, boundary=0), "physics or boundary positive"),
        (lambda: PhysicsInformed(lookback=-1), "lookback=-1"),
        (lambda: Recipe(domain_share=0), "domain_share=0 must be positive"),
        (lambda: Recipe(domain_share=0.1, start_share=0.2), "start_share=0.2 must not exceed domain_share=0.1"),
        (lambda: Iterative(unroll=0), "unroll=0"),
        (lambda: Iterative(pass_points=0), "pass_points=0"),
        (lambda: direct_network(PROBLEM, (4,), ("tahn",), TYPICAL), "no activation 'tahn'; did you mean 'tanh'"),
        (lambda: direct_network(PROBLEM, (4, 0), ("tanh",) * 2, TYPICAL), "4,0"),
        (lambda: direct_network(PROBLEM, (), (), TYPICAL), "give sizes of 1 or more"),
        (lambda: direct_network(PROBLEM, (4, 4), ("tanh",) * 3, TYPICAL), "3 activations for 2 hidden layers"),
        (lambda: iterative_network(PROBLEM, (4,), ("tanh",), TYPICAL, pass_points=11), "1 to 10 save points"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(FhnbenchError, match=message):
        make()


def test_families_are_imported_without_torch():
    code = (
        "import sys, fhnbench_ddnn.family, fhnbench_pinn.family, fhnbench_itnn.family, fhnbench_torch.plugin, "
        "fhnbench_torch.runtime, fhnbench.cli.train\n"
        "assert not {'torch', 'numba', 'h5py', 'scipy'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
