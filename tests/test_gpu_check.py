"""``fhnbench gpu-check``: what it plans, what it says without a GPU, and its table; on a GPU, the command itself."""

from __future__ import annotations

import io
import subprocess

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fhnbench import Availability, ExitStatus, contender_availability, read_record, speed_up_table, standard_problem
from fhnbench.results.record import ArtifactRecord, EffectiveRecord
from fhnbench.results.store import write_record
from fhnbench.testing import Case, conformance_cases
from fhnbench_gpu_check import command as gpu_check
from fhnbench_gpu_check.plan import BUDGET_S, TASKS, plan
from records import record, row

NAMES = list(dict.fromkeys(task.contender for task in TASKS))
WITHOUT_TENSORRT = [name for name in NAMES if "-trt" not in name]
DEVICE = EffectiveRecord("NVIDIA H200", "float32")
VARIANTS = ("itnn-torch[device=cuda,graph=true]", "ddnn-torch[device=cuda]", "itnn-trt[rollout=loop]")


@given(st.sets(st.sampled_from(NAMES)), st.floats(0, 2000))
def test_a_plan_is_what_fits_in_order(available, budget_s):
    found = plan(available, budget_s)
    assert [task for task in TASKS if task in {*found.tasks, *found.left_out}] == [
        task for task in TASKS if task.contender in available
    ]
    assert not found.tasks or found.seconds <= budget_s
    assert list(found.tasks) == sorted(found.tasks, key=TASKS.index)
    assert (*found.measured, *found.checked) == tuple(sorted(found.tasks, key=lambda task: task.action == "check"))
    for task in found.left_out:
        before = sum(one.seconds for one in found.tasks if TASKS.index(one) < TASKS.index(task))
        assert before + task.seconds > budget_s - 60


def test_the_default_budget_takes_in_all_kernels_and_torch_and_something_of_tensorrt():
    assert plan(WITHOUT_TENSORRT, BUDGET_S).left_out == ()
    everything = plan(NAMES, BUDGET_S)
    assert {"itnn-trt[precision=float16]", "ddnn-trt[precision=float16]"} <= {
        one.contender for one in everything.measured
    }
    assert "euler-cuda" in {one.contender for one in everything.checked}


def test_tasks_are_listed_once_and_their_contenders_exist():
    assert len({(task.action, task.contender) for task in TASKS}) == len(TASKS)
    for name in NAMES:
        contender_availability(name, standard_problem("C"))


def test_the_run_is_an_ordinary_one(tmp_path):
    arguments = gpu_check.run_arguments(plan(["euler-cuda", "ddnn-trt"], 600), 1000, tmp_path)
    assert arguments[:5] == ["run", "--solver", "euler-cuda", "--surrogate", "ddnn-trt"]
    assert arguments[5:9] == ["--problem", "C", "--size", "1000"]
    assert arguments[9:] == ["--time-budget", "60", "--timeout", "150", "--output", str(tmp_path)]


def on_gpu(of, **fields):
    return msgspec.structs.replace(of, effective=DEVICE, **fields)


def record_of_a_gpu():
    artifact = ArtifactRecord("C-8x8.safetensors", "cd" * 32, (8, 8), ("tanh", "tanh", "identity"), 400.0, 2.0)
    return record(
        on_gpu(row("euler-cuda", 4e-5, 8e-3), options={"dt": 0.1}, sweep="dt"),
        on_gpu(row("euler-cuda[variant=naive]", 2e-3, 8e-3), options={"dt": 0.1, "variant": "naive"}, sweep="dt"),
        on_gpu(row("rk4-cuda", 8e-5, 5e-4), options={"dt": 0.5}, sweep="dt"),
        on_gpu(row("itnn-cuda", 1e-4, 1e-3, "surrogate"), artifact=artifact),
        on_gpu(row("itnn-cuda[hidden=24x24]", 4e-4, 1e-4, "surrogate"), artifact=artifact),
        msgspec.structs.replace(
            row("ddnn-trt", 1.0, 1.0, "surrogate"), status="unavailable", reason="tensorrt not installed", accuracy=None
        ),
    )


def text_of(table, width=100):
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_table_compares_with_euler_and_at_matched_error():
    text = text_of(speed_up_table(record_of_a_gpu()))
    lines = {line.split()[0]: line.split() for line in reversed(text.splitlines()) if line.strip()}
    assert lines["euler-cuda"] == ["euler-cuda", "8.00e-3", "40", "µs", "80%", "1.00"]
    assert lines["rk4-cuda"] == ["rk4-cuda", "5.00e-4", "80", "µs", "80%", "0.50"]
    assert lines["itnn-cuda"][:6] == ["itnn-cuda", "1.00e-3", "100", "µs", "80%", "0.40"]
    assert lines["itnn-cuda"][8] == "0.80"
    assert lines["itnn-cuda:"][1:4] == ["matched", "with", "rk4-cuda"]
    assert "unavailable" in lines["ddnn-trt"]
    assert " ".join(lines["ddnn-trt:"]) == "ddnn-trt: tensorrt not installed"
    assert "unmatched" in text
    assert "euler-cuda [variant=naive]" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.fixture
def available(monkeypatch):
    """Let everything be available, and note what is called instead of running it."""
    calls: list[list[str]] = []
    monkeypatch.setattr(gpu_check, "contender_availability", lambda *_: Availability(True))

    def call(arguments, ends):
        calls.append(list(arguments))
        if arguments[0] == "run":
            write_record(gpu_check.Path(arguments[-1]), record_of_a_gpu())
        return statuses.get(arguments[1], ExitStatus.OK)

    statuses: dict[str, ExitStatus] = {}
    monkeypatch.setattr(gpu_check, "call", call)
    return calls, statuses


def invoke(*arguments):
    done = CliRunner().invoke(gpu_check.command, list(arguments), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


def test_it_measures_once_then_checks_then_shows_the_table(available, tmp_path):
    calls, statuses = available
    statuses["rk4-cuda"] = ExitStatus.GATE_FAILED
    done = invoke("--output", str(tmp_path))
    assert done.return_value == ExitStatus.GATE_FAILED
    assert [one[0] for one in calls] == ["run", *["check"] * (len(calls) - 1)]
    assert "against Euler 0.1" in done.output
    assert f"Results: {tmp_path}" in done.output
    assert "itnn-trt is not measured: about 60 s more than --budget 450 allows" in done.output
    assert read_record(tmp_path).complete


def test_contenders_that_cannot_run_are_named_with_the_reason(available, monkeypatch, tmp_path):
    def none_of_tensorrt(name, _):
        return Availability("-trt" not in name, "tensorrt not installed", "pip install it")

    monkeypatch.setattr(gpu_check, "contender_availability", none_of_tensorrt)
    done = invoke("--output", str(tmp_path))
    assert done.return_value == ExitStatus.OK
    assert "ddnn-trt[tf32=true] is left out: tensorrt not installed; pip install it" in done.output
    assert not [word for one in available[0] for word in one if "-trt" in word]


def test_earlier_results_are_not_overwritten(available, tmp_path):
    write_record(tmp_path, record_of_a_gpu())
    with pytest.raises(gpu_check.FhnbenchError, match="holds a run already; give another --output"):
        invoke("--output", str(tmp_path))
    assert available[0] == []


def test_a_call_ends_when_time_is_up(monkeypatch, capsys):
    def run(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)
    assert gpu_check.call(["check", "euler-cuda"], 0.0) == ExitStatus.DID_NOT_RUN
    assert "fhnbench check was ended: no time was left; allow more with --budget" in capsys.readouterr().err


def test_the_worst_status_is_told():
    statuses = [ExitStatus.OK, ExitStatus.GATE_FAILED, ExitStatus.DID_NOT_RUN]
    assert gpu_check.worst(statuses) == ExitStatus.GATE_FAILED
    assert gpu_check.worst([]) == ExitStatus.OK


def test_without_a_gpu_it_says_so_in_one_line(command_line):
    if contender_availability("euler-cuda", standard_problem("C")).available:
        pytest.skip("there is a GPU")
    done = command_line("gpu-check")
    assert done.returncode == ExitStatus.DID_NOT_RUN
    assert done.stdout == ""
    assert done.stderr.startswith("gpu-check: no NVIDIA ")
    assert len(done.stderr.splitlines()) == 1


def test_too_small_a_budget_is_refused():
    with pytest.raises(click.BadParameter):
        invoke("--budget", "10")


@pytest.fixture
def gpu():
    """Skip a test where there is no GPU, with the reason."""
    if not (device := contender_availability("euler-cuda", standard_problem("C"))).available:
        pytest.skip(str(device))


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "check", [case for name in VARIANTS for case in conformance_cases(name)], ids=lambda case: case.__name__
)
def test_conformance_on_the_gpu(check: Case) -> None:
    check()


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_the_command_on_the_gpu(command_line):
    done = command_line("gpu-check", "-n", "10000", "--budget", "150", "--output", "gpu", timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert "against Euler 0.1" in done.stdout
