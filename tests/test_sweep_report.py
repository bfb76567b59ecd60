"""The report of a study: its record, its words, its tables and figures; times and their model."""

from __future__ import annotations

import csv
import re

import msgspec
import numpy as np
import pytest

from fhnbench import FhnbenchError, Workload, direct_network, standard_problem, typical_trajectories
from fhnbench.__main__ import main
from fhnbench.exit_status import ExitStatus
from fhnbench_sweep.analysis.analyse import analyse
from fhnbench_sweep.analysis.cost_model import LEAST, calibrate, work
from fhnbench_sweep.analysis.files import write_report
from fhnbench_sweep.analysis.record import Classical, decode_analysis
from fhnbench_sweep.analysis.speed import is_useful, speed
from fhnbench_sweep.analysis.study import read_study
from fhnbench_sweep.analysis.times import Time, read_times, write_times
from fhnbench_sweep.analysis.words import sentences
from sweeps import plan, study, times, write

PROBLEM = standard_problem("C")
WORKLOAD = Workload.of(PROBLEM, 10_000, "float32", 1)


@pytest.fixture(scope="module")
def studies():
    return [
        study(0, problem="B", families=("ddnn", "itnn"), per_doubling=-0.2, repeats=5),
        study(1, problem="C", families=("ddnn", "itnn"), per_doubling=-0.2, harder=0.3),
    ]


@pytest.fixture(scope="module")
def known(studies):
    return {"B": times(studies[0])}


@pytest.fixture(scope="module")
def analysis(studies, known):
    return analyse(studies, known, "fhnbench sweep report B C")


def test_a_report_is_written_and_its_record_is_read_again(studies, known, analysis, tmp_path):
    write_report(tmp_path, analysis, studies, known)
    read = decode_analysis((tmp_path / "analysis.json").read_bytes())
    assert msgspec.json.encode(read) == msgspec.json.encode(analysis)
    pictures = {"errors-ddnn", "errors-itnn", "times", "influences", "selection", "residuals"}
    assert {file.stem for file in tmp_path.glob("*.png")} == pictures
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.glob("*.png"))
    text = (tmp_path / "report.md").read_text()
    assert all(f"]({name}.png)" in text for name in pictures)
    assert "problem C were not timed" in text
    assert "euler-cpu[dt=0.1]" in text
    assert "2 networks were not measured: audit save-points: save point repeats the one before." in text
    assert text.index("B, ddnn: size: an effect") < text.index("## Analysis of variance")
    with (tmp_path / "networks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 240 + 2 * 10 * 5
    assert {row["source"] for row in rows if row["problem"] == "B"} == {"measured", "modelled"}
    assert {row["seconds"] for row in rows if row["problem"] == "C"} == {""}


def test_what_was_not_timed_has_no_times(analysis, tmp_path):
    timed, other = analysis.problems
    assert timed.euler.contender == "euler-cpu[dt=0.1]"
    assert all(family.speed for family in timed.families)
    assert other.euler is None
    assert not any(family.speed for family in other.families)
    assert all(one.seconds is None for family in other.families for one in family.frontier)
    only = study(2)
    write_report(tmp_path, analyse([only], {}, "x"), [only], {})
    assert not (tmp_path / "times.png").exists()


def test_words_say_what_the_figures_do(analysis):
    said = {one.subject: one.text for one in sentences(analysis)}
    assert said["B, ddnn: size"].startswith("an effect")
    assert said["B, ddnn: shape"].startswith("no significant effect")
    assert "by neurons most" in said["B, ddnn: what predicts the error"]
    assert "other seeds of the chosen" in said["B, ddnn: selection"]
    assert "other seeds" not in said["C, ddnn: selection"]
    assert said["B to C, ddnn"].startswith("the same 240 architectures have ")


@pytest.mark.parametrize("content", [b"{}", b"nonsense", b'{"schema": "fhnbench.sweep-analysis/9"}'])
def test_what_is_no_analysis_is_refused(content):
    with pytest.raises(FhnbenchError, match="not the analysis of a sweep"):
        decode_analysis(content)


def test_of_another_schema_is_refused(analysis):
    other = msgspec.structs.replace(analysis, schema="fhnbench.sweep-analysis/9")
    with pytest.raises(FhnbenchError, match="this version reads"):
        decode_analysis(msgspec.json.encode(other))


def test_times_are_read_as_they_were_written(known, tmp_path):
    assert read_times(tmp_path) is None
    write_times(tmp_path, known["B"])
    assert read_times(tmp_path) == known["B"]
    (tmp_path / "measured" / "times.json").write_text('{"problem": 3}')
    with pytest.raises(FhnbenchError, match=r"times\.json"):
        read_times(tmp_path)


CLASSICAL = (
    Classical(contender="euler-cpu[dt=0.1]", seconds=1.0, mae=1e-3),
    Classical(contender="b", seconds=3.0, mae=1e-5),
)


@pytest.mark.parametrize(
    ("seconds", "mae", "useful"),
    [(0.9, 0.1, True), (1.0, 1e-3, False), (2.0, 5e-4, True), (4.0, 1e-4, False), (4.0, 1e-6, True)],
)
def test_useful_is_what_no_classical_method_beats(seconds, mae, useful):
    assert is_useful(seconds, mae, CLASSICAL) == useful


def test_speed_counts_the_slower_and_the_useful():
    some = study()
    mine = {
        one.candidate: Time(0.5 if number < 60 else 2.0, "modelled", 1.0)
        for number, one in enumerate(some.main_outcomes)
    }
    found = speed(some.main_networks, mine, CLASSICAL, CLASSICAL[0])
    assert found.slower == pytest.approx(180 / 240)
    assert found.useful == pytest.approx(60 / 240)
    assert sum(found.useful_layers.values()) == 60
    assert found.time_by_neurons is None  # nothing was measured
    assert speed(some.main_networks, {}, CLASSICAL, CLASSICAL[0]) is None


@pytest.fixture(scope="module")
def networks():
    states = typical_trajectories(PROBLEM)
    return [direct_network(PROBLEM, one.hidden, one.activations, states) for one in plan().candidates[::4]]


def test_a_model_of_times_finds_its_terms(networks):
    each = np.array([2e-11, 1e-11, 5e-11, 0.0, 3e-10])
    chance = np.random.default_rng(0)
    seconds = [float(work(one, WORKLOAD) @ each * np.exp(0.02 * chance.standard_normal())) for one in networks]
    model = calibrate(networks, seconds, WORKLOAD)
    assert model.record.terms["multiply-adds"] == pytest.approx(1e6 * each[0], rel=0.1)
    assert model.record.calibrated + model.record.held_out == len(networks)
    assert 0.005 < model.record.median_error < 0.03
    assert all(model.seconds(one) == pytest.approx(time, rel=0.1) for one, time in zip(networks, seconds, strict=True))


def test_a_model_that_does_not_fit_says_so(networks):
    chance = np.random.default_rng(0)
    record = calibrate(networks, chance.uniform(0.1, 1, len(networks)), WORKLOAD).record
    assert record.median_error > 0.2


def test_a_model_rests_on_enough(networks):
    few = networks[: LEAST - 1]
    assert calibrate(few, [1.0] * len(few), WORKLOAD) is None


@pytest.fixture
def sweep_folder(tmp_path):
    write(study(candidates=60), tmp_path / "C")
    return tmp_path / "C"


def test_the_command_reports_and_replaces_only_when_told(sweep_folder, capsys):
    assert main(["sweep", "report", str(sweep_folder)]) == ExitStatus.OK
    assert f"Report: {sweep_folder / 'report'}" in capsys.readouterr().out
    found = decode_analysis((sweep_folder / "report" / "analysis.json").read_bytes())
    assert found.problems[0].families[0].trained == 60
    assert main(found.command.split()[1:]) == ExitStatus.USER_ERROR
    assert "--overwrite" in capsys.readouterr().err


def test_a_line_that_was_not_written_whole_is_left_out(sweep_folder):
    outcomes = sweep_folder / "outcomes.jsonl"
    outcomes.write_bytes(outcomes.read_bytes()[:-20])
    assert len(read_study(sweep_folder).outcomes) == 59


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("plan.json", None, r"plan\.json: No such file"),
        ("plan.json", b"{}", r"plan\.json: not the plan of a sweep"),
        ("outcomes.jsonl", None, r"outcomes\.jsonl: No such file"),
        ("outcomes.jsonl", b"{}\n", r"outcomes\.jsonl, line 1: .*family"),
        ("outcomes.jsonl", b'{"family":"ddnn","candidate":"x","seed":0,"status":"failed"}\n', "line 1: x is not in"),
        ("outcomes.jsonl", b"", "no network was trained"),
    ],
)
def test_a_damaged_sweep_is_refused_in_one_line(file, content, message, sweep_folder, capsys):
    if content is None:
        (sweep_folder / file).unlink()
    else:
        (sweep_folder / file).write_bytes(content)
    assert main(["sweep", "report", str(sweep_folder)]) == ExitStatus.USER_ERROR
    error = capsys.readouterr().err.strip()
    assert re.search(message, error)
    assert "\n" not in error
