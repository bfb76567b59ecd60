"""What a record allows to be said: the frontier, claims at matched error, and their words."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench.report.claims import sentences
from fhnbench.results.claims import claims
from fhnbench.results.front import ERROR_TIE, at_error, at_time, curves, pareto_front
from fhnbench.results.record import ArtifactRecord, Block, Interval
from records import record, row

ARTIFACT = ArtifactRecord("C-8x8.safetensors", "cd" * 32, (8, 8), ("tanh", "tanh", "identity"), 400.0, 2.0)


def solver(name: str, time_s: float, mae: float, **fields):
    return msgspec.structs.replace(row(name, time_s, mae), **fields)


def stepped(method: str, dt: float, time_s: float, mae: float, **fields):
    return solver(f"{method}[dt={dt:g}]", time_s, mae, options={"dt": dt}, sweep="dt", **fields)


def surrogate(time_s: float, mae: float, name: str = "net-cpu", **fields):
    return msgspec.structs.replace(row(name, time_s, mae, "surrogate"), artifact=ARTIFACT, **fields)


def one_claim(*rows):
    (claim,) = claims(record(*rows))
    return claim


def with_samples(of, samples, rounds=None):
    """Return a row whose resident times are these, measured in these rounds."""
    blocks = tuple(Block(number, 0.0, 1, 0, time, 0, 0) for number, time in zip(rounds or (), samples, strict=False))
    interval = Interval(float(np.median(samples)), min(samples), max(samples), tuple(samples))
    return msgspec.structs.replace(of, resident=interval, blocks=blocks)


@given(st.lists(st.tuples(st.floats(1e-4, 10), st.floats(1e-6, 1)), min_size=1, max_size=30))
def test_pareto_front_is_what_no_row_beats(points):
    front = pareto_front([row(f"s{i}", time, mae) for i, (time, mae) in enumerate(points)])
    for i, (time, mae) in enumerate(points):
        on_front = any(one.contender == f"s{i}" for one in front)
        faster = [e for j, (t, e) in enumerate(points) if (t, e, j) < (time, mae, i)]
        if all(mae < e * (1 - ERROR_TIE) for e in faster):
            assert on_front
        elif any(e <= mae for e in faster):
            assert not on_front


def test_a_difference_by_rounding_brings_no_slower_contender_onto_the_front():
    rows = [row("net-cpu", 0.05, 2.681e-4), row("net-torch", 1.0, 2.679e-4), row("rk4", 2.0, 1e-5)]
    assert [one.contender for one in pareto_front(rows)] == ["net-cpu", "rk4"]


@given(
    order=st.integers(1, 4),
    share=st.floats(0.01, 0.99),
    first=st.sampled_from([1.0, 0.5, 0.2]),
    factor=st.sampled_from([2, 3, 10]),
)
def test_interpolation_is_exact_where_error_and_time_are_powers_of_the_step(order, share, first, factor):
    rows = [stepped("m", dt, 1e-3 / dt, dt**order) for dt in (first, first / factor)]
    (curve,) = curves(rows)
    dt = first * factor**-share
    place = at_error(curve, dt**order)
    assert place.time_s == pytest.approx(1e-3 / dt)
    assert place.setting == ("dt", pytest.approx(dt))
    assert at_time(curve, 1e-3 / dt).mae == pytest.approx(dt**order)
    assert at_error(curve, 2 * first**order) is None
    assert at_time(curve, 1e-9) is None


def test_methods_precisions_and_other_options_are_not_interpolated_between():
    rows = [
        stepped("a", 0.1, 1e-3, 1e-2),
        stepped("b", 0.05, 2e-3, 5e-3),
        solver("a[dt=0.05,order=4]", 2e-3, 5e-3, options={"dt": 0.05, "order": 4}),
        stepped("a", 0.025, 4e-3, 3e-3, effective=msgspec.structs.replace(row("x", 1, 1).effective, precision="f")),
    ]
    assert [len(curve) for curve in curves(rows)] == [1, 1, 1, 1]


def test_cheapest_measured_configuration_is_matched():
    claim = one_claim(
        surrogate(1e-2, 1e-3), solver("rk4", 2e-3, 5e-4), solver("heun", 3e-3, 1e-3), solver("euler", 1e-3, 8e-3)
    )
    assert claim.matched.contender == "rk4"
    assert claim.matched.between is None
    assert claim.speed_up.value == pytest.approx(0.2)
    assert claim.verdict == "slower"
    assert claim.break_even.ensembles is None
    assert claim.equal_time.contender == "rk4"
    assert claim.error_ratio == pytest.approx(2)
    assert claim.paper is None


def test_interpolated_configuration_is_matched_and_confirmed_by_a_run_near_it():
    steps = [stepped("rk3", 0.5, 1e-3, 8e-3), stepped("rk3", 0.25, 2e-3, 1e-3)]
    net = surrogate(1e-4, np.sqrt(8) * 1e-3)
    claim = one_claim(net, *steps)
    assert claim.matched.between == ("rk3[dt=0.5]", "rk3[dt=0.25]")
    assert claim.matched.time_s == pytest.approx(np.sqrt(2) * 1e-3)
    assert claim.matched.contender == "rk3[dt=0.354]"
    assert claim.matched.confirmed_by is None
    assert claim.verdict == "faster"
    assert claim.speed_up.value == pytest.approx(np.sqrt(2) * 10)
    paid = 402 + 1.5
    assert claim.break_even.ensembles == int(np.ceil(paid / (claim.matched.time_s - 1e-4)))
    confirmed = one_claim(net, *steps, solver("other", 1.6e-3, 2.7e-3))
    assert confirmed.matched.between
    assert confirmed.matched.confirmed_by == "other"
    assert one_claim(net, *steps, solver("other", 1.45e-3, 2.7e-3)).matched.contender == "other"


def test_where_nothing_reaches_the_error_there_is_no_number():
    claim = one_claim(surrogate(1e-2, 1e-4), stepped("euler-cpu", 0.1, 1e-3, 8e-3))
    assert claim.verdict == "unmatched"
    assert claim.matched is claim.speed_up is claim.break_even is None
    assert claim.paper_speed_up.value == pytest.approx(0.1)
    assert "no classical configuration in this run on cpu reaches its error" in sentences(claim)[0]


def test_another_device_is_not_compared_with():
    device = row("x", 1, 1).effective
    gpu = surrogate(1e-5, 1e-3, effective=msgspec.structs.replace(device, device="gpu"))
    assert one_claim(gpu, solver("rk4", 2e-3, 5e-4)).verdict == "unmatched"


def test_paper_baseline_is_euler_with_its_step_and_no_other():
    rows = [stepped("euler-cpu", dt, 1e-3 / dt, dt / 10) for dt in (0.2, 0.1, 0.05)]
    claim = one_claim(surrogate(1e-2, 1e-3), *rows, stepped("heun-cpu", 0.1, 1e-4, 1e-2))
    assert claim.paper.contender == "euler-cpu[dt=0.1]"
    assert claim.paper_speed_up.value == pytest.approx(1)
    default = solver("euler-cpu", 1e-2, 1e-2, options={"dt": 0.1})
    assert one_claim(surrogate(1e-2, 1e-3), default).paper.contender == "euler-cpu"


def test_above_the_roofline_nothing_is_claimed_and_nothing_is_compared_with():
    assert one_claim(surrogate(1e-3, 1e-3, roofline_fraction=1.2), solver("rk4", 1e-3, 1e-4)).verdict == "wrong"
    claim = one_claim(surrogate(1e-2, 1e-3), solver("rk4", 1e-3, 1e-4, roofline_fraction=1.3))
    assert claim.verdict == "unmatched"


def test_a_weak_baseline_is_said_to_be_weak():
    claim = one_claim(surrogate(1e-2, 1e-3), solver("rk4", 2e-2, 1e-4, roofline_fraction=0.02))
    assert claim.matched.weak
    assert "That baseline is weak" in sentences(claim)[0]


def test_drift_that_meets_both_leaves_the_ratio():
    drift = np.linspace(1, 3, 41)
    rounds = range(41)
    slow = with_samples(surrogate(2e-3, 1e-3), list(2e-3 * drift), rounds)
    fast = with_samples(solver("rk4", 1e-3, 1e-4), list(1e-3 * drift), rounds)
    paired = one_claim(slow, fast).speed_up
    assert (paired.low, paired.value, paired.high) == pytest.approx((0.5, 0.5, 0.5))
    apart = one_claim(slow, with_samples(fast, list(1e-3 * drift), range(100, 141))).speed_up
    assert apart.low < 0.45
    assert apart.high > 0.55


def test_a_ratio_that_may_be_one_is_even():
    samples = list(1e-3 * np.linspace(0.8, 1.2, 31))
    claim = one_claim(with_samples(surrogate(1e-3, 1e-3), samples), with_samples(solver("rk4", 1e-3, 1e-3), samples))
    assert claim.verdict == "even"
    assert "neither is shown to be faster" in sentences(claim)[0]


def test_claims_in_words():
    euler = stepped("euler-cpu", 0.1, 2e-3, 8e-3)
    words = sentences(one_claim(surrogate(1e-2, 1e-3), euler, solver("rk4-cpu", 5e-3, 5e-4)))
    assert words == (
        (
            "net-cpu (MAE 1.00e-3, 10 ms) takes 2 [2, 2] times as long as rk4-cpu (MAE 5.00e-4, 5 ms), the cheapest "
            "classical configuration that reaches its error."
        ),
        (
            "It takes 5 [5, 5] times as long as euler-cpu[dt=0.1] (MAE 8.00e-3, 2 ms), which papers quote: not at "
            "matched error."
        ),
        "In the same time rk4-cpu (MAE 5.00e-4, 5 ms) has 2 times less error.",
        "It never pays for itself (data 2 s, training 400 s, build 1.5 s): it saves no time.",
    )
    fast = sentences(one_claim(surrogate(1e-3, 1e-3), euler, solver("rk4-cpu", 5e-3, 5e-4)))
    assert "takes 5 [5, 5] times less time than rk4-cpu" in fast[0]
    assert fast[2] == "No classical configuration in this run is as fast."
    assert fast[3].endswith("after 100,875 ensembles.")


def test_committed_records_can_be_read_and_claimed_from(pytestconfig):
    from fhnbench.results.store import read_record

    for folder in ("cpu", "frontier-A", "frontier-B", "frontier-C"):
        for claim in claims(read_record(pytestconfig.rootpath / "results" / folder)):
            assert sentences(claim)
