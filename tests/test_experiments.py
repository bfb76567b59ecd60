"""`fhnbench experiment`: the command, the records, and the rules by which verdicts follow from figures."""

import itertools
import json
import subprocess
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fhnbench_paper.trainings
from fhnbench import Artifact, ArtifactMetadata, FhnbenchError, Network, TrainingRecord, standard_problem
from fhnbench.__main__ import main
from fhnbench_paper import data_scarcity, error_map, euler_step, itnn_failures, training_cost
from fhnbench_paper.catalogue import EXPERIMENTS, find
from fhnbench_paper.claim import judged
from fhnbench_paper.experiment import Context, Experiment
from fhnbench_paper.failures import Kind, classify
from fhnbench_paper.record import EXPERIMENT_SCHEMA, decode, encode
from fhnbench_paper.running import Request, run
from fhnbench_paper.tables import Table, number
from fhnbench_paper.trainings import Training, train

TINY = {
    "data-scarcity": data_scarcity.DataScarcity(
        (data_scarcity.Series("A", ("ddnn", "pinn", "pinn, paper's recipe"), (4,), (10, 100), 2, 1),), batch=16
    ),
    "error-map": error_map.ErrorMap(families=("ddnn",), runtime="torch", size=40, lines=9),
    "euler-step": euler_step.EulerStep(problems=("A", "B"), size=32, substeps=(1, 5, 10, 100)),
    "itnn-failures": itnn_failures.IterativeFailures("A", (((4,), "relu"),), seeds=1, steps=2, size=1),
    "training-cost": training_cost.TrainingCost(((4,), (5,)), batch=8, steps=2, repetitions=2),
}


def request(name, folder, **fields):
    return Request(find(name), f"fhnbench experiment {name}", folder, **fields)


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    """A user's artifact of a DDNN for problem B that is chosen before all others, and forecasts the initial state."""
    monkeypatch.setenv("FHNBENCH_ARTIFACTS", str(tmp_path / "artifacts"))
    network = Network(
        inputs=("t", "u", "w"),
        widths=(3, 2, 2),
        activations=("tanh", "identity"),
        scheme="direct",
        input_shift=(25.0, 0.0, 0.0),
        input_scale=(25.0, 2.0, 1.0),
        output_shift=(0.0, 0.0),
        output_scale=(1.0, 1.0),
        output="increment",
    )
    training = TrainingRecord("none", "none", 0, 0, 0, 0.0, 0.0)
    metadata = ArtifactMetadata("ddnn", standard_problem("B"), network, training, {"mae": 0.0})
    weights = tuple(np.zeros(shape, np.float32) for shape in ((2, 3), (2, 2)))
    biases = tuple(np.zeros(2, np.float32) for _ in range(2))
    Artifact.of_layers(metadata, weights, biases).save(tmp_path / "artifacts" / "mine.safetensors")


# The command


def test_without_a_name_all_experiments_are_listed(capsys):
    assert main(["experiment"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()] == sorted(TINY)
    assert all(spec.summary in shown for spec in EXPERIMENTS)


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from fhnbench.__main__ import main; main(['experiment']); "
        "print({'torch', 'numba', 'matplotlib', 'scipy', 'h5py'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_unknown_name_gives_the_closest(capsys):
    assert main(["experiment", "eulerstep"]) == 2
    assert "did you mean 'euler-step'?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--threads", "0"], ["--fast"]])
def test_nonsense_options_are_refused(words, tmp_path, capsys):
    assert main(["experiment", "euler-step", "--output", str(tmp_path), *words]) == 2
    assert not list(tmp_path.iterdir())


def test_results_are_not_replaced_unasked(tmp_path, capsys):
    file = tmp_path / "training-cost" / "record.json"
    file.parent.mkdir()
    file.write_text("mine")
    assert main(["experiment", "training-cost", "--quick", "--output", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert file.read_text() == "mine"
    run(request("training-cost", tmp_path, overwrite=True), TINY["training-cost"])
    assert decode(file.read_bytes()).experiment == "training-cost"


def test_missing_package_is_named_with_its_remedy(monkeypatch):
    spec = replace(find("training-cost"), requires=("no_such_package",))
    with pytest.raises(
        FhnbenchError, match=r"training-cost: no_such_package not installed; pip install 'fhnbench\[torch\]'"
    ):
        spec.experiment()


# Every experiment


def test_all_experiments_are_tested_and_have_a_quick_form():
    assert sorted(TINY) == sorted(spec.name for spec in EXPERIMENTS)
    for spec in EXPERIMENTS:
        experiment = spec.experiment()
        assert issubclass(experiment, Experiment)
        assert isinstance(experiment.quick(), experiment)
        assert experiment.quick() != experiment()


@pytest.mark.parametrize("name", sorted(TINY))
def test_published_record_is_complete_and_its_verdicts_follow_from_its_figures(name, pytestconfig):
    folder = pytestconfig.rootpath / "results" / "experiments" / name
    record = decode((folder / "record.json").read_bytes())
    assert (record.experiment, record.quick) == (name, False)
    assert judged(record) == record.findings
    table = (folder / "table.md").read_text()
    assert all(f"**Verdict: {finding.verdict}.** {finding.why}" in table for finding in record.findings)


@pytest.mark.parametrize("name", sorted(TINY))
def test_experiment_writes_record_table_and_picture(name, tmp_path, artifacts):
    reports = []
    written = run(request(name, tmp_path, seed=3), TINY[name], lambda _what, fraction: reports.append(fraction))

    folder = tmp_path / name
    assert sorted(file.name for file in folder.iterdir()) == ["picture.png", "record.json", "table.md"]
    record = decode((folder / "record.json").read_bytes())
    assert record == decode(encode(written))
    assert (record.schema, record.experiment, record.seed) == (EXPERIMENT_SCHEMA, name, 3)
    assert msgspec.convert(record.settings, type(TINY[name])) == TINY[name]
    assert record.environment["packages"]["fhnbench"]
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    table = (folder / "table.md").read_text()
    for finding in record.findings:
        assert finding.statement in table
        assert f"**Verdict: {finding.verdict}.**" in table
    assert reports == sorted(reports)
    assert 0 <= reports[0] <= reports[-1] <= 1

    assert judged(record) == record.findings


def test_settings_and_seed_decide_the_figures(tmp_path):
    def figures(seed, folder):
        return run(request("itnn-failures", tmp_path / folder, seed=seed), TINY["itnn-failures"]).figures

    assert figures(1, "one") == figures(1, "two")
    assert figures(2, "three") != figures(1, "four")


def test_interrupted_experiment_leaves_no_results_and_goes_on(tmp_path, monkeypatch):
    trained = []
    real = fhnbench_paper.trainings.surrogate_family

    def family(name, options):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(name)
        return real(name, options)

    monkeypatch.setattr(fhnbench_paper.trainings, "surrogate_family", family)
    with pytest.raises(KeyboardInterrupt):
        run(request("itnn-failures", tmp_path), TINY["itnn-failures"])
    assert [path.name for path in (tmp_path / "itnn-failures").iterdir()] == ["unfinished"]
    del trained[:]
    run(request("itnn-failures", tmp_path), TINY["itnn-failures"])
    assert len(trained) == 1  # of three
    assert decode((tmp_path / "itnn-failures" / "record.json").read_bytes()).resumed


def test_only_the_very_same_training_is_taken_up_again(tmp_path):
    context = Context(0, tmp_path, lambda _what, _fraction: None)
    asked = Training("ddnn", "A", (3,), 0, overrides={"steps": 1})
    changes = [
        {},
        {"seed": 1},
        {"hidden": (4,)},
        {"activation": "sin"},
        {"overrides": {"steps": 2}},
        {"options": {"target": "increment"}},
        {"family": "itnn"},
    ]
    files = [train(replace(asked, **change), context, lambda _fraction: None) for change in changes]
    assert len(set(files)) == len(changes)
    assert files[0].name != asked.key(threads=2)


def test_damaged_or_foreign_record_is_refused(tmp_path):
    content = json.loads(encode(run(request("training-cost", tmp_path), TINY["training-cost"])))
    with pytest.raises(FhnbenchError, match=r"this version reads"):
        decode(json.dumps({**content, "schema": "fhnbench.experiment/9"}))
    with pytest.raises(FhnbenchError, match=r"findings\[0\]\.verdict"):
        decode(json.dumps({**content, "findings": [{**content["findings"][0], "verdict": "true"}]}))
    with pytest.raises(FhnbenchError, match="not the record of an experiment"):
        decode(encode(decode(json.dumps(content)))[:-20])


# Verdicts


def curve(problem, **maes_by_substeps):
    errors = [euler_step.StepError(1 / int(k[1:]), mae, mae) for k, mae in maes_by_substeps.items()]
    return euler_step.Curve(problem, "euler", 1, tuple(errors))


@pytest.mark.parametrize(
    ("maes", "step", "verdict"),
    [
        ({"k5": 2e-2, "k9": 9e-3, "k10": 8e-3, "k20": 4e-3}, 1 / 9, "reproduced"),
        ({"k5": 2e-2, "k9": 1.1e-2, "k10": 8e-3, "k20": 4e-3}, 0.1, "reproduced"),
        ({"k5": 9e-3, "k10": 8e-3, "k20": 4e-3}, 0.2, "refuted"),
        ({"k5": None, "k10": 1e-2, "k20": 4e-3}, 0.05, "refuted"),
        ({"k5": 1e-3, "k10": 2e-2, "k20": 4e-3}, 0.05, "refuted"),  # one that happens to be good is not enough
        ({"k10": None, "k20": 2e-2}, None, "refuted"),
    ],
)
def test_largest_step(maes, step, verdict):
    figures = euler_step.Figures(1, {"C": 0.0}, (curve("C", **maes),))
    assert figures.curves[0].largest_step == step
    assert euler_step.judge(figures).verdict == verdict


def test_largest_step_holds_if_one_problem_agrees():
    good, bad = {"k10": 8e-3, "k20": 4e-3}, {"k10": 2e-2, "k20": 1e-3}
    found = euler_step.judge(euler_step.Figures(1, {}, (curve("A", **bad), curve("C", **good))))
    assert found.verdict == "reproduced"
    assert "problem C" in found.why


@pytest.mark.parametrize(
    ("learnt", "near", "verdicts"),
    [
        (0.9, 0.5, ("reproduced", "reproduced")),
        (0.89, 0.6, ("refuted", "reproduced")),
        (0.95, 0.49, ("reproduced", "refuted")),
    ],
)
def test_error_map_verdicts(learnt, near, verdicts):
    good = error_map.SurrogateErrors("ddnn", "a", "b", (3,), 1e-3, 0.99, 0.9)
    other = msgspec.structs.replace(good, family="pinn", learnt_share=learnt, sensitive_error_share=near)
    findings = error_map.judge(error_map.Figures(1, 0.0, 0.0, (good, other)))
    assert tuple(finding.verdict for finding in findings) == verdicts
    assert all(("pinn" in finding.why) == (finding.verdict == "refuted") for finding in findings)


def test_share_of_top():
    values, by = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 9.0, 0.2, 8.0])
    assert error_map.share_of_top(values, by, 0.5) == pytest.approx(0.6)
    assert error_map.share_of_top(values, by, 1.0) == 1


def test_solutions_depend_most_on_states_near_the_threshold():
    problem = standard_problem("B")
    line = TINY["error-map"]._line(problem)
    sensitivity = error_map.sensitivities(problem, line)
    assert abs(line.u0[np.argmax(sensitivity)] - -0.55) < 0.3


@pytest.mark.parametrize(
    ("pinn", "verdict"), [((2.0, 2.1, 1.9), "reproduced"), ((1.2, 1.3, 1.1), "refuted"), ((3.0, 3.1, 3.2), "refuted")]
)
def test_training_cost_verdict(pinn, verdict):
    ddnn = training_cost.Cost("ddnn", (4,), (1.0, 1.0, 1.0), None)
    ratio = training_cost.ratio(pinn, ddnn.seconds)
    assert ratio.low <= ratio.median == np.median(pinn) <= ratio.high
    found = training_cost.judge(
        training_cost.Figures(1, (ddnn, training_cost.Cost(training_cost.PAPER_METHOD, (4,), pinn, ratio)))
    )
    assert found.verdict == verdict


def scarcity(*rows, problem="A"):
    """Figures of ``(points, DDNN, PINN)``."""
    return data_scarcity.Figures(
        tuple(
            data_scarcity.Scarcity(problem, method, points, 9, (mae, 0.9 * mae, 1.1 * mae))
            for points, *maes in rows
            for method, mae in zip(("ddnn", "pinn"), maes, strict=True)
        )
    )


@pytest.mark.parametrize(
    ("rows", "verdicts"),
    [
        (((10, 0.3, 0.003), (100, 0.005, 0.004)), ("reproduced", "reproduced", "reproduced")),
        (((10, 0.3, 0.1), (100, 0.05, 0.004)), ("refuted", "refuted", "refuted")),
        (((10, 0.09, 0.0001), (1000, 0.005, 0.004)), ("not comparable", "reproduced", "refuted")),
        (((10, 0.3, 0.009), (30, 0.005, 0.1), (100, 0.02, 0.01), (200, 0.001, 0.001)), ("reproduced",) * 3),
        (((10, 0.005, 0.004), (100, 0.005, 0.004)), ("not comparable", "reproduced", "refuted")),
    ],
)
def test_data_scarcity_verdicts(rows, verdicts):
    assert tuple(finding.verdict for finding in data_scarcity.judge(scarcity(*rows))) == verdicts


def rollouts(state, increment=(1.0, 0.0, 0.0, 0.0, 0.0), maes=(0.2, 0.1, 0.15), growing=0.9):
    def one(method, shares, mae):
        named = dict(zip([kind.name.lower() for kind in Kind], shares, strict=True))
        return itnn_failures.RolloutErrors(method, (4,), "tanh", 0, mae, 0.01, named, 2.0, 4.0, growing)

    ddnn = (1.0, 0.0, 0.0, 0.0, 0.0)
    methods = ("itnn, next state", "itnn, increment", "ddnn")
    found = tuple(map(one, methods, (state, increment, ddnn), maes))
    return itnn_failures.Figures(1, "a rule", found)


@pytest.mark.parametrize(
    ("shares", "growing", "verdicts"),
    [
        ((0.5, 0.3, 0.1, 0.0, 0.1), 0.9, ("reproduced", "reproduced")),
        ((0.5, 0.3, 0.1, 0.0, 0.1), 0.4, ("refuted", "reproduced")),
        ((0.5, 0.3, 0.0, 0.0, 0.2), None, ("refuted", "refuted")),
        ((0.5, 0.5, 0.0, 0.0, 0.0), 0.9, ("reproduced", "refuted")),
        ((0.4, 0.05, 0.01, 0.04, 0.5), 0.9, ("refuted", "reproduced")),
    ],
)
def test_failure_modes_verdicts(shares, growing, verdicts):
    findings = itnn_failures.judge(rollouts(shares, growing=growing))
    assert tuple(finding.verdict for finding in findings[:2]) == verdicts


@pytest.mark.parametrize(
    ("maes", "verdict"),
    [
        ((0.3, 0.2, 0.1), "reproduced"),
        ((0.2, 0.1, 0.3), "refuted"),
        ((0.2, 0.1, 0.15), "not comparable"),
        ((None, 0.2, 0.1), "reproduced"),
    ],
)
def test_iterated_against_continuous_verdict(maes, verdict):
    shares = (0.5, 0.3, 0.1, 0.0, 0.1)
    assert itnn_failures.judge(rollouts(shares, shares, maes))[2].verdict == verdict


# The classification of rollouts

TIMES = np.arange(51.0)


def beats(period=20.0, phase=0.0, times=TIMES):
    """An oscillation that spikes and repolarises within about two time units, as u and w ``[T, 2, 1]``."""
    angle = 2 * np.pi * (times - phase) / period
    return np.stack([2 * np.tanh(4 * np.sin(angle)), np.cos(angle)], axis=1)[:, :, None]


def classified(states, reference=None):
    found = classify(states, beats() if reference is None else reference, TIMES)
    return Kind(int(found.kinds[0])), float(found.shifts[0]), float(found.first_shifts[0])


def test_reference_itself_is_accurate():
    kind, shift, _ = classified(beats())
    assert (kind, shift) == (Kind.ACCURATE, 0.0)


@given(st.floats(0.7, 4.0), st.sampled_from([-1, 1]))
def test_shifted_copy_is_a_shift_by_as_much(size, sign):
    reference = beats(phase=5)
    kind, shift, _ = classified(beats(phase=5 + sign * size), reference)
    assert kind is Kind.SHIFT
    assert shift == pytest.approx(sign * size, abs=0.3)  # save points are 1 apart


def test_slow_copy_is_a_growing_shift():
    kind, last, first = classified(beats(period=21.5, phase=5.0), beats(phase=5.0))
    assert kind is Kind.SHIFT
    assert last > 2 * first > 0


def test_constant_is_an_equilibrium():
    constant = np.broadcast_to(beats()[5], (51, 2, 1))
    assert classified(constant)[0] is Kind.EQUILIBRIUM


def test_rest_where_the_reference_rests_is_none():
    resting = np.where(TIMES[:, None, None] < 20, beats(), beats()[20])
    off = resting + np.where(TIMES[:, None, None] < 20, 0.0, 0.2)
    assert classified(off, resting)[0] is Kind.OTHER


@pytest.mark.parametrize("value", [np.nan, np.inf, -11.0])
def test_values_out_of_bounds_have_diverged(value):
    states = beats().copy()
    states[40, 1] = value
    kind, shift, _ = classified(states)
    assert kind is Kind.DIVERGED
    assert np.isnan(shift)


def test_wrong_amplitude_is_another_failure():
    assert classified(0.7 * beats())[0] is Kind.OTHER


def test_samples_are_classified_apart():
    alone = [beats(), beats(phase=2.0), np.broadcast_to(beats()[5], (51, 2, 1)), 0.7 * beats(), beats() * np.nan]
    reference = np.broadcast_to(beats(), (51, 2, 1))
    together = classify(np.concatenate(alone, axis=2), np.concatenate([reference] * 5, axis=2), TIMES)
    assert [Kind(int(kind)) for kind in together.kinds] == [classified(states)[0] for states in alone]
    assert sum(together.share(kind) for kind in Kind) == pytest.approx(1)


# Tables


@given(st.lists(st.lists(st.text("ab ", max_size=9), min_size=3, max_size=3), max_size=4))
def test_table_columns_are_aligned(rows):
    lines = Table(("name", "x", "longer"), tuple(map(tuple, rows))).markdown().splitlines()
    assert len(lines) == len(rows) + 2
    assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in lines}) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (8.05e-3, "8.05e-3"), (0.111111, "0.111"), (12.0, "12"), (123456.0, "1.23e5")],
)
def test_number_keeps_three_digits(value, text):
    assert number(value) == text


def test_progress_of_stages_ends_where_the_next_begins():
    from fhnbench_paper.progress import Stages

    seen = []
    stages = Stages(lambda what, fraction: seen.append((what, fraction)), [1, 3])
    for name in "ab":
        stages.begin(name)(1.0)
    assert seen == [("a", 0.0), ("a", 0.25), ("b", 0.25), ("b", 1.0)]


def test_lines_of_progress_come_once_a_tenth(capsys):
    from fhnbench_paper.progress import Lines

    lines = Lines()
    for fraction, what in zip((0.05, 0.1, 0.15, 0.5, 0.99), itertools.cycle(["work"]), strict=False):
        lines(what, fraction)
    assert [line.split("%")[0] for line in capsys.readouterr().err.splitlines()] == ["10", "50", "99"]
