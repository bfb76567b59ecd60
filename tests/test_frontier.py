"""`fhnbench run --frontier`: which steps and artifacts are measured, and what is confirmed by a run."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import standard_problem
from fhnbench.exit_status import ExitStatus
from fhnbench.measure import frontier, protocol
from fhnbench.plugins.contender import request, request_or_absent
from fhnbench.plugins.interfaces import Sweep
from fhnbench.plugins.registry import registry
from fhnbench.results.claims import claims
from fhnbench.results.store import read_record
from records import record
from test_claims import stepped, surrogate

PROBLEM = standard_problem("C")


def asked(name, kind="solver"):
    return request(name, kind, registry())


@given(
    order=st.integers(1, 6),
    default=st.sampled_from([0.1, 0.25, 1 / 3, 0.5]),
    interval=st.sampled_from([0.5, 1.0, 2.0]),
    low=st.floats(1e-6, 1e-3),
    factor=st.floats(1, 100),
)
def test_steps_divide_the_save_interval_and_span_the_errors(order, default, interval, low, factor):
    found = frontier.steps(order, default, interval, (low, low * factor))
    assert found == sorted(found, reverse=True)
    assert any(math.isclose(step, default, rel_tol=1e-6) for step in found)
    for step in found:
        if step != default:
            assert interval / step == pytest.approx(round(interval / step), rel=1e-9)
    # By the constant that steps are chosen with, the shortest has at most the least error, but for rounding to one.
    assert frontier.ERROR_OF_UNIT_STEP * (min(found) / 1.3) ** order <= low
    assert 1 <= len(found) <= 14


def test_a_frontier_of_solvers_and_surrogates():
    requests = [asked("euler-cpu"), asked("rk4-cpu[dt=0.2]"), asked("itnn-cpu", "surrogate")]
    labels = [one.label for one in frontier.sweep(requests, PROBLEM, 60)]
    assert "rk4-cpu[dt=0.2]" in labels  # a step that was asked for is taken as it is
    steps = [float(label[len("euler-cpu[dt=") : -1]) for label in labels if label.startswith("euler")]
    assert 0.1 in steps
    assert len(steps) >= 4
    assert {"itnn-cpu[hidden=24x24]", "itnn-cpu[hidden=8x8]"} <= set(labels)


def test_what_cannot_be_swept_stays_as_it_is(monkeypatch):
    absent = request_or_absent("euler-fpga", "solver", registry())
    missing = asked("itnn-cpu[hidden=7x7]", "surrogate")
    assert frontier.sweep([absent, missing], PROBLEM, 60) == [absent, missing]
    monkeypatch.setattr(frontier, "_describe", lambda *_: protocol.Described({"order": 3}))
    assert frontier.sweep([asked("rk4-cpu")], PROBLEM, 60) == [asked("rk4-cpu")]


def test_values_that_a_solver_declares_are_swept(monkeypatch):
    described = protocol.Described({"rtol": 1e-5}, 5, Sweep("rtol", (1e-3, 1e-6)))
    monkeypatch.setattr(frontier, "_describe", lambda *_: described)
    labels = [one.label for one in frontier.sweep([asked("rk4-cpu")], PROBLEM, 60)]
    assert labels == ["rk4-cpu[rtol=0.001]", "rk4-cpu[rtol=1e-05]", "rk4-cpu[rtol=1e-06]"]


def test_what_was_interpolated_is_confirmed_with_a_step_that_is_possible():
    steps = [stepped("rk3", 0.5, 1e-3, 8e-3), stepped("rk3", 0.25, 2e-3, 1e-3)]
    assert frontier.confirmations(record(surrogate(1e-4, math.sqrt(8) * 1e-3), *steps)) == [
        ("rk3[dt=0.333333333333]", "net-cpu")
    ]
    assert frontier.confirmations(record(surrogate(1e-4, 1e-3), *steps)) == []
    assert frontier.confirmations(record(surrogate(1e-4, 1e-5), *steps)) == []


@pytest.mark.slow
def test_a_frontier_is_measured_and_its_claims_are_confirmed(command_line, plugins_path, tmp_path):
    output = tmp_path / "run"
    names = ("--solver", "ab2-example", "--solver", "rk4-cpu", "--surrogate", "itnn-cpu")
    measuring = ("--frontier", "--problem", "B", "-n", "500", "--rounds", "6", "--output", str(output))
    done = command_line("run", *measuring, *names, environment=plugins_path("example"), timeout_s=600)
    assert done.returncode == ExitStatus.OK, done.stderr
    found = read_record(output)
    assert found.settings.frontier
    assert found.complete
    steps = [row.options["dt"] for row in found.rows if row.contender.startswith("ab2")]
    assert len(steps) >= 4
    small, large = sorted(claims(found), key=lambda claim: claim.mae)
    for claim in (small, large):
        assert claim.verdict != "unmatched"
        assert claim.matched.between is None or claim.matched.confirmed_by or os.getloadavg()[0] > 1
