"""`fhnbench paper`: the rules on sweeps, and the analyses that it reads."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import FhnbenchError
from fhnbench_paper import rules_speed, rules_statistics, rules_sweep, sweep_figures
from fhnbench_paper.claims import CLAIMS
from fhnbench_paper.evidence import SWEEP, Evidence, Found, read_evidence
from fhnbench_paper.sweep_figures import (
    Analysis,
    Anova,
    Bounded,
    Effect,
    Family,
    Importance,
    Level,
    Network,
    Predictors,
    Problem,
    Speed,
    Spread,
    Step,
    Variances,
    read_analysis,
)
from fhnbench_sweep.analysis import files
from fhnbench_sweep.analysis.analyse import analyse
from sweeps import study, times


def bounded(value, low=None, high=None):
    return Bounded(value, value if low is None else low, value if high is None else high)


def anova(group, shape, size, p=0.001):
    return Anova(group, "plain", (Effect("shape", shape, p), Effect("size", size, p)))


def family(name="ddnn", **fields):
    """A family of which the paper's statements hold, but for the given fields."""
    spread = Spread(9, 3.0, 10.0, 1.5, 0.2, 0.1)
    importances = [("neurons", 0.4), ("activations", 0.3), ("class", 0.1), ("layers", 0.05)]
    given_ = {
        "trained": 800,
        "anovas": (anova("small", 19.6, 42.8), anova("large", 4.0, 34.5)),
        "variances": (Variances("small", "plain", 1.46e-5, 1.06e-6), Variances("large", "plain", 3.17e-7, 2.08e-7)),
        "spread": spread,
        "predictors": Predictors(
            tuple(Importance(name, bounded(loss)) for name, loss in importances),
            (Level("class", "square", bounded(0.9, 0.8, 1.01)), Level("activations", "tanh", bounded(1.1, 1.0, 1.2))),
        ),
        "speed": Speed(800, 0.9, 0.1, {2: 5, 3: 1}, (16, 40.0, 256), 0.9, 0.2),
        **fields,
    }
    return Family(name, **given_)


def networks(maes, neurons=(8, 64, 256), name="ddnn"):
    return tuple(Network(name, size, n, mae) for size, (mae, n) in enumerate(zip(maes, neurons, strict=True)))


def problem(name="C", maes=(4e-2, 1e-2, 1.1e-2), **fields):
    return Problem(name, 800, (family(**fields),), "A CPU", networks(maes))


def verdict(judgement):
    assert judgement.measurement
    assert judgement.why.endswith(".")
    return judgement.verdict


RULES = [
    rules_sweep.candidates,
    rules_sweep.saturation,
    rules_sweep.spread,
    rules_sweep.choice_matters,
    rules_sweep.no_advantage,
    rules_statistics.larger_vary_less,
    rules_statistics.shape_effect,
    rules_statistics.size_effect,
    rules_statistics.variances,
    rules_statistics.activations,
    rules_statistics.design_matters,
    rules_speed.swept_slower,
    rules_speed.swept_useful,
    rules_speed.swept_lead,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_papers_own_figures_reproduce_it(rule):
    assert verdict(rule([problem("A"), problem("C")])) == "reproduced"


def spread_of(**fields):
    return {"spread": Spread(**{"sizes": 9, "seeds_largest": None, "median": 3.0, "largest": 10.0, **fields})}


def levels(*found):
    return {"predictors": Predictors((), tuple(Level("class", name, bounded(0.9, 0.8, high)) for name, high in found))}


def importances(**losses):
    return {"predictors": Predictors(tuple(Importance(name, loss) for name, loss in losses.items()), ())}


@pytest.mark.parametrize(
    ("rule", "fields", "expected"),
    [
        (rules_sweep.candidates, {"trained": 799}, "not comparable"),
        (rules_sweep.spread, spread_of(largest=3.1, small=0.2, large=0.1), "refuted"),
        (rules_sweep.spread, spread_of(largest=3.2, small=0.2, large=0.1), "reproduced"),
        (rules_sweep.spread, spread_of(largest=31.6, small=0.2, large=0.1), "reproduced"),
        (rules_sweep.spread, spread_of(largest=31.7, small=0.2, large=0.1), "refuted"),
        (rules_sweep.spread, spread_of(largest=None, small=0.2, large=0.1), "not measured"),
        (rules_sweep.choice_matters, spread_of(median=1.99, small=0.2, large=0.1), "refuted"),
        (rules_sweep.choice_matters, spread_of(median=2.0, small=0.2, large=0.1), "reproduced"),
        (rules_sweep.choice_matters, spread_of(median=None, small=0.2, large=0.1), "not measured"),
        (rules_sweep.no_advantage, levels(("square", 1.0)), "reproduced"),
        (rules_sweep.no_advantage, levels(("square", 0.999)), "refuted"),
        (rules_sweep.no_advantage, {"predictors": None}, "not measured"),
        (rules_statistics.larger_vary_less, spread_of(small=0.1, large=0.1), "refuted"),
        (rules_statistics.larger_vary_less, spread_of(small=0.1, large=None), "not measured"),
        (rules_statistics.shape_effect, {"anovas": (anova("small", 4, 5), anova("large", 4, 9))}, "refuted"),
        (rules_statistics.shape_effect, {"anovas": (anova("small", 9, 5, 0.05), anova("large", 4, 9))}, "refuted"),
        (rules_statistics.shape_effect, {"anovas": (anova("small", 9, 5),)}, "not measured"),
        (rules_statistics.size_effect, {"anovas": (anova("small", 9, 5), anova("large", 9, 9))}, "refuted"),
        (rules_statistics.size_effect, {"anovas": (anova("small", 9, 5, 0.05), anova("large", 4, 9))}, "refuted"),
        (
            rules_statistics.variances,
            {"variances": (Variances("small", "plain", 1.0, 1.0), Variances("large", "plain", 1.0, 2.0))},
            "refuted",
        ),
        (
            rules_statistics.variances,
            {"variances": (Variances("small", "plain", 2.0, 1.0), Variances("large", "plain", 2.0, 1.0))},
            "refuted",
        ),
        (rules_statistics.variances, {"variances": ()}, "not measured"),
        (
            rules_statistics.activations,
            importances(activations=bounded(0.1), layers=bounded(0.1), **{"class": bounded(0)}),
            "refuted",
        ),
        (rules_statistics.activations, {"predictors": None}, "not measured"),
        (
            rules_statistics.design_matters,
            importances(activations=bounded(0.1, 0.0), neurons=bounded(0.1), layers=bounded(0)),
            "refuted",
        ),
        (rules_speed.swept_slower, {"speed": Speed(8, 0.5, 0.0, {}, None, None, None)}, "refuted"),
        (rules_speed.swept_useful, {"speed": Speed(8, 0.5, 0.0, {}, None, None, None)}, "not comparable"),
        (rules_speed.swept_useful, {"speed": Speed(8, 0.5, 0.1, {2: 1}, (8, 9.0, 257), None, None)}, "refuted"),
        (rules_speed.swept_useful, {"speed": Speed(8, 0.5, 0.1, {2: 1, 4: 1}, (8, 9.0, 10), None, None)}, "refuted"),
        (rules_speed.swept_lead, {"speed": Speed(8, 0.5, 0.1, {}, None, 0.3, 0.3)}, "refuted"),
    ],
)
def test_figures_that_miss_a_rule(rule, fields, expected):
    """One problem that misses it is enough: a statement holds for every problem or not at all."""
    name = "A" if expected == "refuted" else "C"
    both = [problem("C"), problem(name, **fields)] if name == "A" else [problem(name, **fields)]
    if rule in {rules_sweep.spread, rules_sweep.no_advantage, rules_speed.swept_slower}:
        both = both[-1:]  # these are of all problems together
    assert verdict(rule(both)) == expected


def test_an_advantage_in_one_problem_only_is_not_consistent():
    both = [problem("A", **levels(("square", 0.9))), problem("C", **levels(("square", 1.1), ("funnel", 0.9)))]
    assert verdict(rules_sweep.no_advantage(both)) == "reproduced"


@pytest.mark.parametrize(
    ("maes", "expected"),
    [
        ((2.0, 1.0, 1.0), "reproduced"),
        ((1.9, 1.0, 1.0), "refuted"),
        ((2.0, 1.5, 1.0), "reproduced"),
        ((2.0, 1.6, 1.0), "refuted"),
    ],
)
def test_size_limits_accuracy_up_to_a_point(maes, expected):
    assert verdict(rules_sweep.saturation([problem("C", maes)])) == expected
    assert verdict(rules_sweep.saturation([Problem("C", 8, (family(),), "A CPU")])) == "not measured"


@given(*[st.sampled_from([9e-3, 1e-2])] * 3)
def test_small_networks_fail_only_on_the_harder_problems(a, b, c):
    found = [problem(name, (mae, 1.0, 1e-9), trained=3) for name, mae in zip("ABC", (a, b, c), strict=True)]
    expected = "reproduced" if a < 1e-2 <= min(b, c) else "refuted"
    assert verdict(rules_sweep.small_fail(found)) == expected
    assert verdict(rules_sweep.small_fail(found[1:])) == "not measured"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (bounded(9, 5, 12), bounded(2, 1, 4.9), "reproduced"),
        (bounded(9, 5, 12), bounded(2, 1, 5), "not comparable"),
        (bounded(2, 1, 4), bounded(9, 5, 12), "refuted"),
    ],
)
def test_steps_from_problem_to_problem_are_told_apart_by_their_intervals(first, second, expected):
    steps = [Step("ddnn", "A", "B", first), Step("ddnn", "B", "C", second), Step("itnn", "A", "B", bounded(1))]
    assert verdict(rules_sweep.a_to_b(steps)) == expected
    assert verdict(rules_sweep.a_to_b(steps[1:])) == "not measured"


def test_figure_2_takes_both_problems_and_as_many_networks():
    assert verdict(rules_sweep.figure_2([problem("A"), problem("C")])) == "reproduced"
    assert verdict(rules_sweep.figure_2([problem("A", trained=799), problem("C")])) == "not comparable"
    assert verdict(rules_sweep.figure_2([problem("B"), problem("C")])) == "not measured"


def test_without_times_a_sweep_says_nothing_of_speed():
    untimed = [problem(speed=None)]
    assert not any(
        rule(untimed) for rule in (rules_speed.swept_slower, rules_speed.swept_useful, rules_speed.swept_lead)
    )


def test_a_sweep_on_a_cpu_is_shown_beside_and_decides_nothing_on_speed():
    analysis = Analysis("2026-01-02T03:04:05+00:00", "fhnbench sweep report", {"cpu": "A CPU"}, (problem(),), ())
    evidence = Evidence({}, {}, (Found(None, analysis),))
    found = {claim.statement.title: claim.finding(evidence) for claim in CLAIMS if SWEEP in (*claim.needs, *claim.also)}
    slower = found["Most models are slower than the solver"]
    assert slower.verdict == "not measured"
    assert "in a sweep timed on A CPU: 90.0% of 800 networks of the sweep are slower" in slower.measurement
    assert "in a sweep timed on A CPU the rule gives 'reproduced'" in slower.why
    assert found["Up to 10 times variation at equal size"].verdict == "reproduced"
    assert found["A to B is harder than B to C"].verdict == "not measured"


# The files


def test_the_report_of_sweeps_is_read_whole(tmp_path, monkeypatch):
    """What `fhnbench sweep report` writes is what is read here: no rule is left without its figures."""
    for draw in (
        "errors_by_class",
        "errors_against_time",
        "influences",
        "validation_against_test",
        "residuals_against_normal",
    ):
        monkeypatch.setattr(files, draw, lambda *_: b"a picture")
    effects = {"B": 0.8, "C": 1.0}
    studies = [
        study(
            number,
            problem=name,
            candidates=120,
            per_doubling=-0.3,
            activations={"tanh": -0.4},
            harder=effects.get(name, 0.0),
            repeats=2,
        )
        for number, name in enumerate("ABC")
    ]
    known = {one.plan.problem: times(one) for one in studies}
    files.write_report(
        tmp_path / "sweep" / "report", analyse(studies, known, "fhnbench sweep report A B C"), studies, known
    )
    evidence = read_evidence([tmp_path])
    assert [(one.problem, len(one.networks)) for one in evidence.problems] == [("A", 120), ("B", 120), ("C", 120)]
    claims = [claim for claim in CLAIMS if SWEEP in claim.needs]
    verdicts = {claim.statement.title: verdict(claim.finding(evidence)) for claim in claims}
    assert "not measured" not in verdicts.values()
    assert verdicts["A to B is harder than B to C"] == "reproduced"
    assert verdicts["No activation or shape is best throughout"] == "refuted"
    assert verdicts["800 candidates, evenly over sizes and shapes"] == "not comparable"
    assert all((tmp_path / picture).exists() for claim in claims for picture in claim.pictures[:1])


def written(folder, **fields):
    """The folder of a report whose analysis holds more than is read, as the one that sweeps leave does."""

    analysis = Analysis("2026-01-02T03:04:05+00:00", "fhnbench sweep report", {"cpu": "A CPU"}, (problem(),), ())
    content = {**msgspec.to_builtins(analysis), "schema": sweep_figures.ANALYSIS_SCHEMA, "more": 1, **fields}
    del content["problems"][0]["networks"]
    folder.mkdir(parents=True)
    (folder / "analysis.json").write_text(json.dumps(content))
    (folder / "networks.csv").write_text(
        "family,candidate,repeat,size,neurons,mae,problem\n"
        "ddnn,c0000,False,0,8,0.1,C\nddnn,c0000,True,0,8,0.2,C\nddnn,c0001,False,1,64,0.01,C\nitnn,c0001,False,1,64,1e-3,A\n"
    )
    return folder


def test_analyses_are_read_with_their_networks(tmp_path):
    written(tmp_path / "sweep" / "C" / "report")
    written(tmp_path / "sweep" / "report", command="joint")
    evidence = read_evidence([tmp_path])
    assert SWEEP in evidence
    assert [one.record.command for one in evidence.sweeps] == ["joint", "fhnbench sweep report"]
    (found,) = evidence.problems
    assert found.networks == (Network("ddnn", 0, 8, 0.1), Network("ddnn", 1, 64, 0.01))
    (tmp_path / "sweep" / "report" / "networks.csv").unlink()
    assert not read_analysis(tmp_path / "sweep" / "report").problems[0].networks


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("analysis.json", lambda text: text[:-9], "not the analysis of a sweep"),
        ("analysis.json", lambda text: text.replace("analysis/1", "analysis/8"), "analysis/8"),
        ("analysis.json", lambda text: text.replace('"spread"', '"width"'), "spread"),
        ("networks.csv", lambda text: text.replace("neurons", "nodes"), "not the networks"),
        ("networks.csv", lambda text: text.replace("0.1", "much"), "not the networks"),
        ("networks.csv", lambda text: text.replace("repeat", "again"), "not the networks"),
    ],
)
def test_damaged_analyses_are_refused_by_name(file, damage, message, tmp_path):
    folder = written(tmp_path / "sweep" / "report")
    (folder / file).write_text(damage((folder / file).read_text()))
    with pytest.raises(FhnbenchError, match=message) as refused:
        read_evidence([tmp_path])
    assert str(folder / file) in str(refused.value)
    assert "\n" not in str(refused.value)
