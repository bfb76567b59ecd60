"""A stack of networks computes what its networks compute, and what pads them stays out of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fhnbench import (
    LINEAR,
    NetworkModule,
    NetworkStack,
    Recipe,
    Stream,
    activate_with_slope,
    affine,
    direct_network,
    iterative_network,
    one_cycle,
    standard_problem,
    torch_seed,
    typical_trajectories,
)
from fhnbench.training.fused_slopes import activate_in_place, codes_of
from fhnbench.training.module import ACTIVATIONS

PROBLEM = standard_problem("C")
STATES = typical_trajectories(PROBLEM)
NAMES = ("tanh", "silu", "relu", "sin", "sigmoid", "softplus")

networks = st.integers(1, 3).flatmap(
    lambda layers: st.lists(
        st.tuples(*([st.integers(1, 9)] * layers), *([st.sampled_from(NAMES)] * layers)), min_size=1, max_size=5
    )
)


def modules_of(chosen, make=direct_network) -> list[NetworkModule]:
    modules = []
    for number, one in enumerate(chosen):
        layers = len(one) // 2
        network = make(PROBLEM, one[:layers], one[layers:], STATES)
        generator = torch.Generator().manual_seed(torch_seed(number, Stream.WEIGHTS))
        modules.append(NetworkModule(network, PROBLEM.save_points, PROBLEM.save_interval, generator))
    return modules


@settings(max_examples=25, deadline=None)
@given(chosen=networks, make=st.sampled_from([direct_network, iterative_network]))
def test_a_stack_gives_the_trajectories_of_its_networks(chosen, make):
    modules = modules_of(chosen, make)
    stack = NetworkStack(modules)
    inputs = [torch.from_numpy(values[:7]).float() for values in (STATES[0, 0], STATES[0, 1], STATES[1, 0])]
    with torch.no_grad():
        together = stack(*inputs, 5)
        for k, module in enumerate(modules):
            torch.testing.assert_close(together[:, :, k], module(*inputs, 5), rtol=1e-4, atol=1e-5)
            for own, taken in zip(module.parameters(), stack.member(k).parameters(), strict=True):
                assert torch.equal(own, taken)
    assert [int(sum(mask[k].sum() for mask in stack.masks)) for k in range(len(modules))] == [
        sum(p.numel() for p in module.parameters()) for module in modules
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_slope_is_the_derivative_and_both_can_be_differentiated(name):
    z = torch.linspace(-2, 2, 10, dtype=torch.float64).reshape(5, 2) + 0.01
    dz = torch.full((1, 2), 0.7, dtype=torch.float64)
    z.requires_grad_()
    dz.requires_grad_()
    ranges = ((slice(None), name),)
    value, slope = activate_with_slope(z, dz, 3, ranges)
    assert (value.shape, slope.shape) == ((5, 2), (3, 2))
    (derivative,) = torch.autograd.grad(value[:3].sum(), z, retain_graph=True)
    torch.testing.assert_close(slope, derivative[:3] * dz)
    assert torch.autograd.gradcheck(lambda a, b: activate_with_slope(a, b, 3, ranges), (z, dz))


@pytest.mark.parametrize("span", [1.0, 30.0])
@pytest.mark.parametrize("name", [*NAMES, "identity"])
def test_fused_activations_and_their_slopes_are_those_of_torch(name, span):
    z = torch.linspace(-span, span, 3001).expand(2, 1, -1).contiguous()
    exact = z.double().requires_grad_()
    value = ACTIVATIONS[name](exact)
    (slope,) = torch.autograd.grad(value.sum(), exact)
    given = z.clone().requires_grad_()
    found = activate_in_place(given.clone(), codes_of([name, name]))
    (found_slope,) = torch.autograd.grad(found.sum(), given)
    largest = torch.maximum(value.abs(), exact.abs()).detach()
    assert ((found - value).abs() <= 4e-7 * largest).all()
    assert ((found_slope - slope).abs() <= 4e-7 * largest.clamp(min=1)).all()
    assert activate_in_place(torch.full((1, 1, 5), torch.nan), codes_of([name])).isnan().all()


@settings(max_examples=10, deadline=None)
@given(chosen=networks)
def test_the_precision_of_a_stack_is_that_of_its_weights(chosen):
    """In float64, as on a GPU, activations are torch's."""
    modules = modules_of(chosen)
    x = torch.linspace(-1, 1, 8 * len(modules[0].network.inputs), dtype=torch.float64).reshape(1, 8, -1)
    stack = NetworkStack(modules).double()
    found = stack.perceptron(x)
    (slope,) = torch.autograd.grad(found.sum(), stack.weights[0])
    for k, module in enumerate(modules):
        alone = module.double().perceptron(x[0])
        torch.testing.assert_close(found[k], alone)
        (expected,) = torch.autograd.grad(alone.sum(), module.weights[0])
        torch.testing.assert_close(slope[k, : len(expected)], expected)


def test_layers_of_a_stack_are_those_of_its_networks():
    x, weight, bias = torch.randn(6, 3), torch.randn(4, 2, 3), torch.randn(4, 1, 2)
    found = affine(x[None], weight, bias)
    for k in range(4):
        torch.testing.assert_close(found[k], affine(x, weight[k], bias[k, 0]))
        torch.testing.assert_close(affine(x[None], weight)[k], affine(x, weight[k]))
    (module,) = modules_of([(3, "tanh")])
    assert module.activations[-1] == LINEAR
    assert NetworkStack([module]).activations[-1] == LINEAR


def test_a_one_cycle_rate_rises_to_the_highest_and_falls_to_nothing():
    recipe = Recipe(learning_rate=0.5, warmup=0.25)
    rates = np.array([one_cycle(recipe, fraction) for fraction in np.linspace(0, 1, 101)])
    assert rates.argmax() == 25
    assert rates.max() == pytest.approx(0.5)
    assert rates[0] == 0
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert (np.diff(rates[:26]) > 0).all()
    assert (np.diff(rates[25:]) < 0).all()


def test_streams_of_a_seed_never_meet():
    seeds = {torch_seed(seed, stream, number) for seed in range(4) for stream in Stream for number in range(4)}
    assert len(seeds) == 4 * len(Stream) * 4
