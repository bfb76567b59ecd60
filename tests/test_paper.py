"""`fhnbench paper`: the rules of its verdicts, the records it reads, and the commands it runs."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import records
from fhnbench import Claim, FhnbenchError, Recipe, claims, dataset_folder
from fhnbench.__main__ import main
from fhnbench.results.claims import Configuration, Ratio
from fhnbench.results.record import ArtifactRecord
from fhnbench.results.store import write_record
from fhnbench_paper import (
    chain,
    data_scarcity,
    error_map,
    euler_step,
    itnn_failures,
    rules_accuracy,
    rules_data,
    rules_iterated,
    rules_settings,
    rules_speed,
    statements,
)
from fhnbench_paper.catalogue import EXPERIMENTS
from fhnbench_paper.chain import FULL, QUICK, Step, missing, remedies, run_all, steps
from fhnbench_paper.claims import CLAIMS
from fhnbench_paper.evidence import Evidence, read_evidence
from fhnbench_paper.networks import Network, networks
from fhnbench_paper.side_by_side import PaperRecord, compare, decode
from test_experiments import TINY

STATEMENTS = [value for value in vars(statements).values() if isinstance(value, statements.Statement)]
VERDICTS = ("reproduced", "refuted", "not comparable", "not measured")
times = st.floats(0.01, 100)


def published(pytestconfig) -> Path:
    return pytestconfig.rootpath / "results"


# The rules


def network(family="ddnn", hidden=(8, 8), over_euler=1.0, mae=1e-3, **fields) -> Network:
    """A network that TensorRT evaluated on a GPU, `over_euler` times as fast as Euler's method."""
    ratio = Ratio(over_euler, over_euler, over_euler)
    euler = Configuration("euler-cuda", 1.0, 8e-3)
    given_ = {"problem": "C", "runtime": "trt", "device": "A GPU", "matched": 1.0, "time_maes": (), **fields}
    matched = Ratio(*[given_["matched"]] * 3)
    said = Claim(
        f"{family}-{given_['runtime']}[hidden={'x'.join(map(str, hidden))}]",
        given_["device"],
        mae,
        1 / over_euler,
        "faster" if given_["matched"] > 1 else "slower",
        matched=Configuration("rk3-cuda", 1.0, mae),
        speed_up=matched,
        paper=euler,
        paper_speed_up=ratio,
    )
    paid = given_.get("preparation_s", 0.0)
    return Network(given_["problem"], family, given_["runtime"], hidden, said, paid, given_["time_maes"])


def verdict(judgement) -> str:
    measurement, verdict, why = judgement
    assert measurement
    assert why.endswith(".")
    assert verdict in VERDICTS
    return verdict


@given(st.lists(st.tuples(times, st.floats(1e-6, 1)), min_size=1, max_size=5))
def test_speed_up_is_that_of_the_fastest_accurate_network(found):
    judgement = rules_speed.speed_up([network(over_euler=ratio, mae=mae) for ratio, mae in found])
    accurate = [ratio for ratio, mae in found if mae <= 1e-2]
    assert verdict(judgement) == ("reproduced" if max(accurate, default=0) >= 1.5 else "refuted")


@given(st.lists(times, min_size=1, max_size=7))
def test_most_are_slower_only_if_more_than_half_are(ratios):
    slower = sum(ratio < 1 for ratio in ratios)
    expected = "reproduced" if slower > len(ratios) / 2 else "refuted"
    assert verdict(rules_speed.most_slower([network(over_euler=ratio) for ratio in ratios])) == expected


@pytest.mark.parametrize(("matched", "expected"), [(1.0, "refuted"), (1.001, "reproduced")])
def test_a_solver_is_surpassed_only_at_matched_error(matched, expected):
    assert verdict(rules_speed.surpass([network(over_euler=9.0, matched=matched), network(matched=0.5)])) == expected


@pytest.mark.parametrize(
    ("hidden", "over_euler", "mae", "expected"),
    [
        ((128, 128), 1.1, 1e-2, "reproduced"),
        ((128, 129), 1.1, 1e-2, "refuted"),
        ((8,), 1.1, 1e-2, "refuted"),
        ((8, 8, 8), 1.1, 1e-2, "reproduced"),
        ((8, 8, 8, 8), 1.1, 1e-2, "refuted"),
        ((8,), 1.0, 1e-2, "not comparable"),
        ((8,), 1.1, 1.1e-2, "not comparable"),
    ],
)
def test_useful_sizes_are_those_of_fast_and_accurate_networks(hidden, over_euler, mae, expected):
    assert verdict(rules_speed.useful_size([network("ddnn", hidden, over_euler, mae)])) == expected


def test_only_tensorrt_on_a_gpu_decides_on_speed():
    on_cpu = network(over_euler=5.0, device="cpu", runtime="ort")
    on_gpu = network(over_euler=5.0, runtime="cuda")
    judgement = rules_speed.on_engine(rules_speed.speed_up, [on_cpu, on_gpu])
    assert verdict(judgement) == "not measured"
    assert "on a CPU: the fastest of 1 accurate networks is 5 times as fast" in judgement.measurement
    assert "on a GPU without TensorRT the rule gives 'reproduced'" in judgement.why
    decided = rules_speed.on_engine(rules_speed.speed_up, [on_cpu, on_gpu, network(over_euler=1.2)])
    assert verdict(decided) == "refuted"
    assert "on A GPU with TensorRT: the fastest of 1 accurate networks is 1.2 times as fast" in decided.measurement


@pytest.mark.parametrize(
    ("problems", "expected"), [("ABC", "reproduced"), ("BC", "not measured"), ("AABBCC", "reproduced")]
)
def test_figure_3_takes_all_problems(problems, expected):
    assert verdict(rules_speed.figure([network(problem=problem) for problem in problems])) == expected


@pytest.mark.parametrize(("device", "expected"), [("cpu", "not measured"), ("A GPU", "not comparable")])
def test_the_baseline_is_shown_and_not_judged(device, expected):
    row = records.row("euler-cpu", 2e-3, 8e-3, options={"dt": 0.1})
    row = msgspec.structs.replace(row, effective=msgspec.structs.replace(row.effective, device=device))
    judgement = rules_speed.baseline([records.record(row, records.row("euler-cpu[dt=0.2]", 1e-3, 8e-3))])
    assert verdict(judgement) == expected
    assert f"euler-cpu on {device} 2 ms, 80% of the roofline" in judgement.measurement


@given(st.lists(st.tuples(st.sampled_from(["ddnn", "pinn", "itnn"]), st.floats(1e-6, 1)), min_size=1, max_size=6))
def test_ddnn_is_best_only_if_it_has_the_least_error(found):
    judgement = rules_accuracy.ddnn_best([network(family, mae=mae) for family, mae in found])
    least = min(found, key=lambda pair: pair[1])[0]
    assert verdict(judgement) == ("reproduced" if least == "ddnn" else "refuted")


def test_families_are_compared_at_equal_hidden_layers():
    others = [network("pinn", mae=2e-3), network("itnn", mae=5e-4), network("itnn", (4,), mae=1e-9)]
    assert verdict(rules_accuracy.ddnn_outperforms([network(mae=1e-3), *others])) == "refuted"
    assert verdict(rules_accuracy.ddnn_outperforms([network(mae=4e-4), *others])) == "reproduced"
    assert verdict(rules_accuracy.ddnn_outperforms([network(hidden=(3,)), *others])) == "not comparable"


@pytest.mark.parametrize(("ddnn_s", "expected"), [(9.0, "reproduced"), (10.0, "refuted")])
def test_data_count_among_the_cost_of_training(ddnn_s, expected):
    found = [network(preparation_s=ddnn_s), network("pinn", preparation_s=10.0), network("itnn", preparation_s=0.1)]
    assert verdict(rules_accuracy.data_cost(found)) == expected
    assert verdict(rules_accuracy.data_cost(found[::2])) == "not comparable"


@given(st.lists(st.sampled_from([1.99, 2.01]), min_size=1, max_size=5))
def test_errors_accumulate_if_most_grow(growth):
    found = [network("itnn", (k + 1,), time_maes=(*[1e-3] * 41, *[1e-3 * g] * 10)) for k, g in enumerate(growth)]
    growing = sum(g > 2 for g in growth)
    assert verdict(rules_accuracy.accumulation(found)) == ("reproduced" if growing > len(growth) / 2 else "refuted")
    assert verdict(rules_accuracy.accumulation([network(), network("itnn")])) == "not measured"


def scarcity(**maes):
    """Figures of data-scarcity from maes by method and number of points, as ``ddnn_100``."""
    errors = []
    for name, mae in maes.items():
        method, points = name.split("_")
        errors.append(data_scarcity.Scarcity("A", method, int(points), 10, (mae,)))
    return data_scarcity.Figures(tuple(errors))


@pytest.mark.parametrize(
    ("rule", "maes", "expected"),
    [
        (rules_data.less_data, {"pinn_5": 9e-3, "ddnn_5": 1e-2}, "reproduced"),
        (rules_data.less_data, {"pinn_5": 1e-2, "ddnn_5": 1e-2}, "refuted"),
        (rules_data.less_data, {"pinn_5": 9e-3, "ddnn_5": 9e-3}, "refuted"),
        (rules_data.pinn_justified, {"pinn_5": 0.1, "ddnn_5": 0.2, "pinn_9": 0.2, "ddnn_9": 0.1}, "reproduced"),
        (rules_data.pinn_justified, {"pinn_5": 0.1, "ddnn_5": 0.2, "pinn_9": 0.09, "ddnn_9": 0.1}, "refuted"),
        (rules_data.pinn_justified, {"pinn_5": 0.2, "ddnn_5": 0.1, "pinn_9": 0.2, "ddnn_9": 0.1}, "refuted"),
        (rules_data.convergence, {"pinn_5": 1.0, "ddnn_5": 2.0, "pinn_9": 0.2, "ddnn_9": 0.1}, "reproduced"),
        (rules_data.convergence, {"pinn_5": 2.0, "ddnn_5": 1.0, "pinn_9": 0.1, "ddnn_9": 0.1}, "refuted"),
        (rules_data.simulate_instead, {"pinn_5": 0.2, "ddnn_5": 9.0, "pinn_9": 0.3, "ddnn_9": 0.1}, "reproduced"),
        (rules_data.simulate_instead, {"pinn_5": 0.1, "ddnn_5": 9.0, "pinn_9": 0.3, "ddnn_9": 0.1}, "refuted"),
    ],
)
def test_rules_on_data(rule, maes, expected):
    assert verdict(rule(scarcity(**maes))) == expected


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({0.01: 9.9e-4}, "reproduced"),
        ({0.01: 1e-3}, "refuted"),
        ({0.01: None}, "refuted"),
        ({0.1: 1e-9}, "not measured"),
    ],
)
def test_a_truth_has_a_small_error(errors, expected):
    steps_ = tuple(euler_step.StepError(dt, mae, mae) for dt, mae in errors.items())
    curve = euler_step.Curve("C", "euler", 1, steps_)
    assert verdict(rules_data.truth(euler_step.Figures(1, {}, (curve,)))) == expected


def rollouts(*shares, method=itnn_failures.PAPER_METHOD):
    """Rollouts of networks of 1, 2, ... neurons with the given shares, by kind."""
    kinds = ("accurate", "shift", "equilibrium", "diverged", "other")
    return tuple(
        itnn_failures.RolloutErrors(
            method, (k + 1,), "tanh", 0, 0.1, None, {kind: given_.get(kind, 0.0) for kind in kinds}, None, None, None
        )
        for k, given_ in enumerate(shares)
    )


@pytest.mark.parametrize(
    ("rule", "shares", "expected"),
    [
        (rules_iterated.optimisation, [{"diverged": 0.009}, {}], "refuted"),
        (rules_iterated.optimisation, [{"diverged": 0.01}, {}], "reproduced"),
        (rules_iterated.few_avoid, [{"accurate": 0.9}, {"accurate": 0.89}, {}], "reproduced"),
        (rules_iterated.few_avoid, [{"accurate": 0.9}, {"accurate": 0.89}], "refuted"),
        (rules_iterated.both_modes, [{"equilibrium": 1e-4}, {"shift": 0.1}], "reproduced"),
        (rules_iterated.both_modes, [{"shift": 0.1}], "refuted"),
        (rules_iterated.no_size, [{"accurate": 0.1 * k} for k in range(6)], "refuted"),
        (rules_iterated.no_size, [{"accurate": 1 - 0.1 * k} for k in range(6)], "reproduced"),
        (rules_iterated.no_size, [{"accurate": 0.1 * (k % 2)} for k in range(6)], "reproduced"),
        (rules_iterated.no_size, [{"accurate": 0.1 * k} for k in range(4)], "not measured"),
    ],
)
def test_rules_on_iterated_networks(rule, shares, expected):
    assert verdict(rule(itnn_failures.Figures(10, "", rollouts(*shares)))) == expected


@pytest.mark.parametrize(("accurate", "expected"), [(0.51, "reproduced"), (0.5, "refuted")])
def test_robust_is_who_is_accurate_more_often(accurate, expected):
    both = rollouts({"accurate": 0.5}) + rollouts({"accurate": accurate}, method=itnn_failures.CONTINUOUS_METHOD)
    assert verdict(rules_iterated.robust(itnn_failures.Figures(10, "", both))) == expected


def test_figure_1_takes_a_surrogate():
    one = error_map.SurrogateErrors("ddnn", "f", "0", (8,), 0.1, 0.5, 0.5)
    assert verdict(rules_iterated.drawn(error_map.Figures(10, 0.0, 0.0, (one,)))) == "reproduced"
    assert verdict(rules_iterated.drawn(error_map.Figures(10, 0.0, 0.0, ()))) == "not measured"


def test_a_setting_is_reproduced_only_if_every_value_is():
    paper = {"optimizer": "adam", "learning_rate": 1e-3}
    ours = msgspec.to_builtins(Recipe())
    assert verdict(rules_settings.same(ours, paper, "It")) == "reproduced"
    judgement = rules_settings.same({**ours, "learning_rate": 2e-3}, paper, "It")
    assert verdict(judgement) == "refuted"
    assert "learning_rate" in judgement.why


def test_runs_of_another_size_are_not_comparable():
    run = records.record(records.row("euler-cpu", 1.0, 1e-3))
    small = msgspec.structs.replace(run, dataset=msgspec.structs.replace(run.dataset, size=99_999))
    assert verdict(rules_settings.workload([run])) == "reproduced"
    assert verdict(rules_settings.workload([run, small])) == "not comparable"
    assert verdict(rules_settings.workload([])) == "not measured"


def test_networks_of_runs_are_the_papers_families_once():
    artifact = ArtifactRecord("f", "0", (8, 8), ("tanh", "tanh"), 10.0, 1.0)
    surrogates = [
        records.with_profile(records.row(name, 1.0, mae, "surrogate", artifact=artifact))
        for name, mae in [("ddnn-cpu", 1e-3), ("fitted-cpu", 1e-4), ("itnn-ort[hidden=8x8]", 1e-2)]
    ]
    run = records.record(records.row("euler-cpu", 0.5, 8e-3, options={"dt": 0.1}), *surrogates)
    found = networks([run, run])
    assert [(one.family, one.runtime, one.hidden) for one in found] == [
        ("ddnn", "cpu", (8, 8)),
        ("itnn", "ort", (8, 8)),
    ]
    assert {one.said for one in found} <= set(claims(run))
    assert {one.preparation_s for one in found} == {11.0}
    assert len(found[0].time_maes) == 51


# All claims


def test_every_statement_is_judged_once_and_in_the_papers_order():
    assert [claim.statement for claim in CLAIMS] == STATEMENTS
    assert len({statement.words for statement in STATEMENTS}) == len(STATEMENTS)
    assert len({statement.title for statement in STATEMENTS}) == len(STATEMENTS)
    known = {*remedies(steps(Path("results"))), "cpu", "peers"}
    assert {name.rstrip("*") for claim in CLAIMS for name in (*claim.needs, *claim.also)} <= known


def test_without_records_only_our_settings_are_judged_and_commands_are_named(tmp_path):
    commands = remedies(steps(Path("results")))
    rows = compare(CLAIMS, Evidence({}, {}), commands, [tmp_path], tmp_path)
    assert len(rows) == len(CLAIMS)
    for row, claim in zip(rows, CLAIMS, strict=True):
        if claim.needs:
            assert row.finding.verdict == "not measured"
            assert all(commands[name] in row.finding.measurement for name in claim.needs)
        else:
            assert row.finding.measurement
    assert not list(tmp_path.iterdir())


def test_published_comparison_follows_from_the_published_records_and_fits_its_schema(pytestconfig):
    folder = published(pytestconfig)
    record = decode((folder / "paper" / "record.json").read_bytes())
    rows = compare(
        CLAIMS,
        read_evidence([folder]),
        remedies(steps(Path("results"))),
        [folder],
        folder / "paper",
    )
    assert record.rows == rows, "make it again: fhnbench paper --read-only"
    schema = json.loads((folder / "paper.schema.json").read_text())
    assert schema == json.loads(json.dumps(msgspec.json.schema(PaperRecord)))
    pytest.importorskip("jsonschema").validate(json.loads((folder / "paper" / "record.json").read_text()), schema)
    page = (folder / "paper" / "README.md").read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", page):
        assert (folder / "paper" / link).exists(), link


# The command


def copied(pytestconfig, folder: Path) -> Path:
    """A folder with some of the published records."""
    for name in ("experiments/euler-step", "experiments/itnn-failures", "cpu"):
        shutil.copytree(published(pytestconfig) / name, folder / name)
    return folder


def test_records_are_read_and_nothing_is_run(tmp_path, capsys, monkeypatch, pytestconfig):
    monkeypatch.setattr(chain.run_all, "__defaults__", (None,))
    output = tmp_path / "side" / "paper"
    assert main(["paper", "--from", str(copied(pytestconfig, tmp_path / "kept")), "--output", str(output)]) == 0
    shown = capsys.readouterr().out
    record = decode((output / "record.json").read_bytes())
    assert isinstance(record, PaperRecord)
    assert f"{record.counts['refuted']} refuted" in shown
    assert all(len(line) <= 100 for line in shown.splitlines() if not line.startswith("Results:"))
    rows = {row.title: row for row in record.rows}
    euler = rows["Euler's largest step below 1e-2 is 0.1"]
    assert euler.finding.verdict == "reproduced"
    assert [source.name for source in euler.sources] == ["experiments/euler-step"]
    assert "Xeon" in euler.sources[0].conditions
    assert (output / euler.sources[0].file).samefile(tmp_path / "kept" / "experiments" / "euler-step" / "record.json")
    assert (output / euler.picture).read_bytes() == (
        tmp_path / "kept" / "experiments" / "euler-step" / "picture.png"
    ).read_bytes()
    missing_row = rows["DDNNs are the most accurate, with much data"]
    assert missing_row.finding.verdict == "not measured"
    assert "fhnbench run --problem B" in missing_row.finding.measurement
    page = (output / "README.md").read_text()
    assert all(row.finding.statement in page and row.finding.rule in page for row in record.rows)
    assert main(["paper", "--from", str(tmp_path / "kept"), "--output", str(output)]) == 0  # its own may be replaced


def test_a_change_of_the_figures_changes_the_verdict(tmp_path, pytestconfig):
    folder = copied(pytestconfig, tmp_path / "kept")
    file = folder / "experiments" / "euler-step" / "record.json"
    content = json.loads(file.read_text())
    for curve in content["figures"]["curves"]:
        for error in curve["errors"]:
            error["mae"] = error["mae"] and 3 * error["mae"]
    file.write_text(json.dumps(content))
    assert main(["paper", "--from", str(folder), "--output", str(tmp_path / "paper")]) == 0
    verdicts = {
        row.title: row.finding.verdict for row in decode((tmp_path / "paper" / "record.json").read_bytes()).rows
    }
    assert verdicts["Euler's largest step below 1e-2 is 0.1"] == "refuted"
    assert verdicts["Euler's method with 0.01 as the truth"] == "refuted"


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("experiments/euler-step/record.json", lambda text: text[:-50], "not the record of an experiment"),
        (
            "experiments/euler-step/record.json",
            lambda text: text.replace("experiment/1", "experiment/7"),
            "experiment/7",
        ),
        ("experiments/euler-step/record.json", lambda text: text.replace('"curves"', '"lines"'), "figures"),
        ("experiments/euler-step/record.json", lambda text: text.replace("euler-step", "euler-stop", 1), "euler-stop"),
        ("cpu/run.json", lambda text: text[: len(text) // 2], "not a run record"),
    ],
)
def test_damaged_records_are_refused_by_name(name, damage, message, tmp_path, capsys, pytestconfig):
    file = copied(pytestconfig, tmp_path / "kept") / name
    file.write_text(damage(file.read_text()))
    assert main(["paper", "--from", str(tmp_path / "kept"), "--output", str(tmp_path / "paper")]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert message in error
    assert file.parent.name in error or message == "figures"
    assert not (tmp_path / "paper" / "README.md").exists()


def test_nonsense_is_refused(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    for words, message in [
        (["--from", str(tmp_path / "nowhere")], "does not exist"),
        (["--from", str(tmp_path)], "no records in"),
        (["--read-only", "--records", str(tmp_path)], "no records in"),
        (["--from", str(tmp_path), "--records", str(tmp_path)], "give one"),
        (["--threads", "0"], "--threads"),
        (["--read-only", "--output", str(tmp_path / "mine")], "no comparison's"),
    ]:
        assert main(["paper", *words]) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "mine" / "README.md").read_text() == "mine"


def test_of_two_folders_the_first_that_has_a_record_counts(tmp_path, pytestconfig):
    first, second = copied(pytestconfig, tmp_path / "first"), copied(pytestconfig, tmp_path / "second")
    shutil.rmtree(first / "cpu")
    found = read_evidence([first, second])
    assert found.experiments["experiments/euler-step"].file.is_relative_to(first)
    assert found.runs["cpu"].file.is_relative_to(second)


# The commands that it runs


def test_commands_are_run_only_where_records_are_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("FHNBENCH_DATASETS", str(tmp_path))
    planned = steps(tmp_path, FULL)
    names = [step.name for step in planned]
    assert [step.name for step in missing(planned, ())] == names
    assert [step.name for step in missing(planned, {*names} - {"frontier-B"})] == ["dataset-B", "frontier-B"]
    planned[names.index("dataset-B")].file.touch()
    assert [step.name for step in missing(planned, {*names} - {"frontier-B"})] == ["frontier-B"]
    assert not missing(planned, names)
    assert dataset_folder() == tmp_path


def test_an_interrupted_run_is_resumed(tmp_path):
    write_record(tmp_path / "frontier-B", records.record(records.row("euler-cpu", 1.0, 1e-3), complete=False))
    assert "frontier-B" not in read_evidence([tmp_path])
    commands = {step.name: step.command for step in missing(steps(tmp_path, QUICK), ())}
    assert commands["frontier-B"] == f"fhnbench run --resume {tmp_path / 'frontier-B'}"
    assert "--resume" not in commands["frontier-C"]


@pytest.mark.parametrize("form", [FULL, QUICK])
def test_planned_commands_are_ones_that_the_command_line_reads(form, tmp_path, monkeypatch):
    monkeypatch.setenv("FHNBENCH_DATASETS", str(tmp_path))
    from fhnbench.__main__ import cli

    for step in steps(tmp_path, form, threads=2):
        if step.file:  # what a step leaves, later ones may ask for
            step.file.parent.mkdir(parents=True, exist_ok=True)
            step.file.touch()
        context = cli.make_context("fhnbench", list(step.arguments))
        while isinstance(context.command, click.Group):
            words = [*context._protected_args, *context.args]
            name, command, rest = context.command.resolve_command(context, words)
            context = command.make_context(name, rest, parent=context)


def test_commands_are_printed_with_the_time_that_is_left(capsys):
    called = []

    def call(arguments):
        called.append(arguments)
        return 2 if "b" in arguments else 0

    file = Path("nothing")
    steps_ = [Step("a", ("run", "a"), 1, file), Step("b", ("run", "b c"), 100, file), Step("b", ("b",), 1, file)]
    failed = run_all(steps_, call)
    assert [step.arguments for step in failed] == [("b",)]
    assert called == [("run", "a"), ("run", "b c"), ("b",)]
    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["$ fhnbench run a", "$ fhnbench run 'b c'", "$ fhnbench b"]
    assert "[1 of 3, about 0:01:42 left]" in shown.err
    assert "b ended with status 2" in shown.err


TINY_FORM = replace(
    QUICK,
    problems=("C",),
    size=64,
    contenders=("--solver", "euler-cpu", "--surrogate", "itnn-cpu"),
    measuring=("--rounds", "2", "--time-budget", "1"),
    candidates=6,
    training=("--set", "steps=2", "--set", "round_steps=1", "--test-samples", "10"),
    timing=(),
)


@pytest.mark.parametrize(
    ("experiments", "form"),
    [
        (["euler-step", "training-cost"], TINY_FORM),
        pytest.param(sorted(TINY), replace(TINY_FORM, problems=("A", "B", "C"), candidates=60), marks=pytest.mark.slow),
    ],
)
def test_quick_comparison_from_nothing(experiments, form, tmp_path, monkeypatch, capsys):
    """The whole chain in a tiny form: experiments, datasets, runs and sweeps are made; a second call makes nothing."""
    monkeypatch.setenv("FHNBENCH_DATASETS", str(tmp_path / "datasets"))
    monkeypatch.setattr(chain, "QUICK", form)
    monkeypatch.setattr(chain, "why_not", lambda step: "no GPU" if step.name == "gpu" else "")
    monkeypatch.setattr(chain.run_all, "__defaults__", (main,))
    made = [spec for spec in EXPERIMENTS if spec.name in experiments]
    monkeypatch.setattr(chain, "EXPERIMENTS", made)
    for spec in made:
        monkeypatch.setattr(spec.experiment(), "quick", lambda tiny=TINY[spec.name]: tiny)
    words = ["paper", "--quick", "--output", str(tmp_path / "paper")]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert [line.split()[1:3] for line in shown.out.splitlines() if line.startswith("$")] == [
        *(["fhnbench", "experiment"] for _ in made),
        *(["fhnbench", kind] for _ in form.problems for kind in ("dataset", "run")),
        *(["fhnbench", "sweep"] for _ in range(2 * len(form.problems) + 1)),
    ]
    assert "gpu is left out: no GPU" in shown.err
    record = decode((tmp_path / "paper" / "record.json").read_bytes())
    assert record.quick
    assert len(record.rows) == len(CLAIMS)
    judged = [row for row in record.rows if row.finding.verdict != "not measured"]
    assert {name for row in judged for name in (source.name for source in row.sources)} == {
        *(f"experiments/{spec.name}" for spec in made),
        *(f"frontier-{problem}" for problem in form.problems),
        "sweep",
    }
    assert main(words) == 0
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("$")]


def test_a_command_that_fails_leaves_its_rows_unmeasured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(chain.run_all, "__defaults__", (lambda _arguments: 2,))
    monkeypatch.setattr(chain, "why_not", lambda _step: "")
    assert main(["paper", "--quick", "--output", str(tmp_path / "paper")]) == 3
    assert "ended with status 2" in capsys.readouterr().err
    record = decode((tmp_path / "paper" / "record.json").read_bytes())
    assert record.counts["not measured"] > len(CLAIMS) / 2


def test_an_interrupted_command_ends_the_chain(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(chain.run_all, "__defaults__", (lambda arguments: called.append(arguments) or 130,))
    monkeypatch.setattr(chain, "why_not", lambda _step: "")
    assert main(["paper", "--quick", "--output", str(tmp_path / "paper")]) == 130
    assert len(called) == 1
    assert not (tmp_path / "paper").exists()


def test_an_interrupt_waits_for_the_command_that_is_running(monkeypatch):
    waited = []

    class Process:
        def __init__(self, arguments):
            assert arguments[1:] == ["-m", "fhnbench", "run"]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def wait(self):
            waited.append(None)
            if len(waited) == 1:
                raise KeyboardInterrupt
            return 0

    monkeypatch.setattr(chain.subprocess, "Popen", Process)
    with pytest.raises(KeyboardInterrupt):
        chain.call(["run"])
    assert len(waited) == 2


def test_a_comparison_of_another_version_is_refused(tmp_path, pytestconfig):
    main(["paper", "--from", str(copied(pytestconfig, tmp_path / "kept")), "--output", str(tmp_path / "paper")])
    content = json.loads((tmp_path / "paper" / "record.json").read_text())
    with pytest.raises(FhnbenchError, match="this version reads"):
        decode(json.dumps({**content, "schema": "fhnbench.paper/9"}).encode())
    with pytest.raises(FhnbenchError, match="not the record of a comparison"):
        decode(json.dumps({**content, "rows": 3}).encode())
