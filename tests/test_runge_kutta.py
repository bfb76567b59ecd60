"""Folding a Runge-Kutta method: the same step as the textbook's, in fewer operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import EULER, HEUN, HEUN3, MIDPOINT, RK4, FhnbenchError, FitzHughNagumo, FoldedStep, Tableau, fold
from textbook import textbook_step

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLEAUS = {"euler": EULER, "midpoint": MIDPOINT, "heun": HEUN, "heun3": HEUN3, "rk4": RK4}

models = st.builds(
    FitzHughNagumo,
    a=st.floats(-2, 2),
    b=st.floats(0, 3),
    c=st.floats(0.1, 10),
    tau=st.floats(0.5, 50),
)
states = st.tuples(st.floats(-2.5, 2.5), st.floats(-2, 2), st.floats(-1, 2))


def folded_step(step: FoldedStep, rows: Sequence[Sequence[float]], u: Any, w: Any, i_app: Any) -> tuple[Any, Any]:
    """Take a step as `fhnbench.runge_kutta` describes it."""
    x = [u / step.u_scale]
    z = (w - step.w_from_i * i_app) / step.w_from_z
    r = step.r_from_one + step.r_from_i * i_app
    for stage, (k, *others) in enumerate(rows[:-1]):
        linear = np.dot(others, [*x[:stage], z, r]) if stage else z
        x.append(x[stage] * (k - x[stage] * x[stage]) + linear)
    new_z = np.dot(rows[-1], [*x[:-1], z, r])
    return step.u_scale * x[-1], step.w_from_z * new_z + step.w_from_i * i_app


@pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=TABLEAUS)
@given(model=models, state=states, dt=st.floats(1e-3, 0.5))
def test_folded_step_is_the_textbook_step(
    tableau: Tableau, model: FitzHughNagumo, state: tuple[float, float, float], dt: float
) -> None:
    step = fold(tableau, model, dt)
    expected = textbook_step(tableau, model, dt, *state)
    scale = 1 + np.abs(expected).max()
    np.testing.assert_allclose(folded_step(step, step.rows, *state), expected, rtol=0, atol=1e-11 * scale)


@pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=TABLEAUS)
def test_there_are_as_many_coefficients_as_operations(tableau: Tableau) -> None:
    assert len(fold(tableau, FitzHughNagumo(), 0.1).coefficients) == tableau.operations


@pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=TABLEAUS)
def test_weights_and_nodes_fulfil_the_conditions_of_their_order(tableau: Tableau) -> None:
    nodes = np.array([0.0, *tableau.nodes])
    weights = np.array(tableau.weights)
    for power in range(tableau.order):
        assert weights @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-14)


@pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=TABLEAUS)
def test_drift_is_what_rounded_coefficients_miss(tableau: Tableau) -> None:
    dt = 0.01
    step = fold(tableau, FitzHughNagumo(), dt)
    rounded = [[float(np.float32(number)) for number in row] for row in step.rows]
    u = 1e-3  # so small that the cubic does not matter
    (exact_u, _), (rounded_u, _) = (folded_step(step, rows, u, 0.0, 0.0) for rows in (step.rows, rounded))
    (zero_u, _), (rounded_zero_u, _) = (folded_step(step, rows, 0.0, 0.0, 0.0) for rows in (step.rows, rounded))
    missed = (exact_u - zero_u) - (rounded_u - rounded_zero_u)
    assert step.rounding_drift(np.float32)[0] * u == pytest.approx(missed, rel=1e-3, abs=1e-13)


def test_nothing_drifts_in_float64() -> None:
    assert fold(RK4, FitzHughNagumo(), 0.01).rounding_drift(np.float64) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("nodes", "weights"),
    [((0.5,), (1.0,)), ((0.0,), (0.5, 0.5)), ((-0.5,), (0.5, 0.5)), ((0.5,), (1.0, 0.0)), ((), (-1.0,))],
)
def test_a_tableau_that_cannot_be_folded_is_refused(nodes: tuple[float, ...], weights: tuple[float, ...]) -> None:
    with pytest.raises(FhnbenchError, match="positive"):
        Tableau(1, nodes, weights)
