"""The conformance kit: the correct pass, and each wrong contender is caught by the check that is meant for it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conftest import EXAMPLE
from fhnbench import FhnbenchError, SolverSpec, SurrogateSpec, load_artifact, standard_problem
from fhnbench.plugins.artifacts import select_artifact
from fhnbench.plugins.contender import SolverContender, SurrogateContender
from fhnbench.plugins.registry import Entry, Plugin, registry
from fhnbench.testing import (
    CHECKS,
    Case,
    ConformanceFailure,
    NotApplicable,
    Subject,
    conformance_cases,
    conformance_checks,
    run_checks,
)
from mutants import base, contract, method, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Artifact, Network, Problem

PROBLEM = standard_problem("C")


def subject(solver: Any, problem: Problem = PROBLEM, **changes: Any) -> Subject:
    return Subject(type(solver).__name__, SolverContender(solver), problem, **changes)


def result_of(check: str, of: Subject) -> tuple[str, str]:
    (chosen,) = (one for one in CHECKS if one.name == check)
    result = chosen.run(of)
    return result.status, result.reason


@pytest.mark.parametrize(("letter", "precision"), [("A", "float32"), ("B", "float64"), ("C", "float32")])
def test_a_correct_solver_passes_every_check(letter: str, precision: str) -> None:
    results = list(run_checks(subject(base.Heun(), standard_problem(letter), precision=precision)))
    assert [result.check for result in results] == [check.name for check in conformance_checks("solver")]
    assert [(result.check, result.reason) for result in results if result.status == "failed"] == []
    skipped = {result.check for result in results if result.status == "skipped"}
    alike = {"fresh-inputs", "independent-executions", "output-of-last-run"}  # all ensembles of problem A are alike
    assert skipped == {"declaration"} | (alike if letter == "A" else set())


MUTANTS: dict[type, tuple[str, str]] = {
    contract.Undocumented: ("interface", "has no docstring"),
    contract.Mutable: ("interface", "Mutable is no frozen dataclass"),
    contract.NoOrder: ("interface", "order is 'second', not a positive whole number"),
    contract.NoExecution: ("interface", "does not derive from fhnbench.Execution"),
    contract.WrongFirstPoint: ("output", "the first save point of u is not the initial state"),
    contract.NonContiguous: ("output", "not C-contiguous"),
    contract.Transposed: ("output", "output has shape (1000, 51, 2), not"),
    contract.AlwaysDouble: ("output", "output is float64, not float32"),
    contract.NotFinite: ("output", "output holds inf for w at save point 50, sample 999"),
    contract.NoDevice: ("effective", "not an Effective with the name of a device"),
    contract.ChangesDevice: ("effective", "before the run and is"),
    contract.FallsBack: ("precision", "asked for float16 it computes in float32; prepare must raise Refused"),
    contract.SinglePrecision: ("precision", "declares float64, yet a change of u0 by 256 units in the last place"),
    contract.HalfInputs: ("precision", "declares float32, yet a change of u0 by 256 units in the last place"),
    state.WritesInputs: ("inputs-unmutated", "the run changed w0 of the ensemble"),
    state.WritesInputsOpenly: ("inputs-unmutated", "raises ValueError: assignment destination is read-only"),
    state.RemembersFirstInputs: (
        "fresh-inputs",
        "after new inputs were uploaded: the first save point of u is not the initial state",
    ),
    state.RemembersAddress: ("fresh-inputs", "after new inputs were uploaded in the same arrays as those before: "),
    state.AdvancesInPlace: (
        "rerun",
        "run again after one upload: the first save point of u is not the initial state",
    ),
    state.Noisy: ("repeatability", "with the same inputs, after others: "),
    state.ReadsNeighbour: ("permutation", "with the samples in another order: "),
    state.CentresBatch: ("batch-sizes", "samples 0 to 0 of 1000 alone (N=1): "),
    state.DropsRemainder: ("batch-sizes", "samples 0 to 0 of 1000 alone (N=1): "),
    state.SharesBuffer: ("independent-executions", "with a newer execution beside it: the first save point"),
    state.SharesInputs: ("independent-executions", "with a newer execution beside it: the first save point"),
    state.StaleOutput: ("output-of-last-run", "after a second run: "),
    state.ComputesInOutput: ("output-of-last-run", "after an upload that no run followed: "),
    state.Leaks: ("close", "2 executions that were closed left"),
    state.StillComputing: ("idle", "after synchronize it still keeps"),
    contract.SecretOption: ("documentation", "the docstring of SecretOption does not describe relaxation"),
    state.FreesOutput: ("close", "after close, in the array that output had returned: "),
    method.WrongOrder: ("order", "declares order 2, measured is 0.9"),
    method.ModestOrder: ("order", "declares order 1, measured is 2.0"),
    method.IgnoresStep: ("order", "declares order 2, measured is 0.00"),
    method.LateSpikes: ("features", "first_spike of sample "),
    contract.OffByOne: ("agreement", "the mean absolute error is"),
    method.WrongEquation: ("agreement", "the mean absolute error is"),
    method.Untyped: ("unknown-options", "iterations=no,such/value is accepted"),
    method.AcceptsNan: ("numbers", "damping=nan is accepted"),
    method.RoundsStep: ("step", "dt=0 is accepted"),
    method.RefusesWithoutRemedy: ("step", "refuses dt=0.3 without naming the nearest, 0.333333: no"),
    method.RaisesValueError: ("step", "dt=0 raises ValueError"),
    method.NoOperations: ("cost", "declares 0.0 operations"),
    method.FewBytes: ("cost", "fewer than the 4.08e+07 of the trajectories"),
    method.ConstantCost: ("cost", "10 times the samples cost 1 times the operations"),
    method.StepFreeCost: ("cost", "half the step costs 1 times the operations"),
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_solver_is_caught_by_the_check_that_is_meant_for_it(mutant: type) -> None:
    check, message = MUTANTS[mutant]
    status, reason = result_of(check, subject(mutant()))
    assert status == "failed"
    assert message in reason
    assert "\n" not in reason


def test_every_check_catches_a_mutant() -> None:
    assert {check for check, _ in MUTANTS.values()} | {"declaration"} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("summary", "target", "reason"),
    [
        ("a solver", "fhnbench_cpu.solvers:Heun", ""),
        ("first\nsecond", "fhnbench_cpu.solvers:Heun", "the summary of heun-test is 'first\\nsecond', not one line of"),
        ("a solver", "fhnbench.plugins.registry:registry", "listing plugins imports fhnbench.plugins.registry"),
    ],
)
def test_what_is_declared_badly_or_imported_early_is_caught(summary: str, target: str, reason: str) -> None:
    entry = Entry(SolverSpec("heun-test", target, summary), Plugin("test", "test", "1"))
    status, found = result_of("declaration", subject(base.Heun(), entries=(entry,)))
    assert (status, found.startswith(reason)) == ("failed" if reason else "passed", True)


def test_every_check_says_what_it_checks_and_why() -> None:
    for check in CHECKS:
        first, _, rest = (check.function.__doc__ or "").partition("\n\n")
        assert first.startswith("Check that "), check.name
        assert rest.strip(), check.name
        assert first == f"Check that {check.summary}."


def test_a_class_that_derives_from_nothing_is_caught() -> None:
    status, reason = result_of("interface", subject(contract.NoSolver()))
    assert (status, reason) == ("failed", "NoSolver does not derive from fhnbench.Solver")


class TestSkips:
    def test_a_solver_without_a_step_is_not_asked_for_one(self) -> None:
        results = {result.check: result for result in run_checks(subject(base.NoStep()))}
        assert {name for name, result in results.items() if result.status == "skipped"} == {
            "declaration",
            "documentation",
            "numbers",
            "order",
            "step",
        }
        assert results["order"].reason == results["step"].reason == "it has no option dt"
        assert [result for result in results.values() if result.status == "failed"] == []

    def test_a_solver_without_float64_has_an_order_that_cannot_be_measured(self) -> None:
        reason = "it refuses what measuring the order needs: precision float64 is not supported; choose float32"
        assert result_of("order", subject(base.SingleOnly())) == ("skipped", reason)

    @pytest.mark.parametrize(("check", "size"), [("close", "100,000"), ("idle", "20,000")])
    def test_a_solver_for_few_samples_is_not_judged_on_many(self, check: str, size: str) -> None:
        reason = f"it refuses the {size} samples that show this: takes 5000 at most"
        assert result_of(check, subject(base.FewOnly())) == ("skipped", reason)

    def test_an_error_below_the_reference_s_own_is_not_judged(self) -> None:
        status, reason = result_of("order", subject(base.Exact()))
        assert status == "skipped"
        assert reason == "its errors are below 1e-10, where the reference can no longer tell"


class TestSurrogates:
    """The example's runtime with a real network, right and wrong."""

    @pytest.fixture
    def artifact(self) -> Artifact:
        return load_artifact(select_artifact(registry().find(SurrogateSpec, "itnn"), PROBLEM, {}))

    @pytest.fixture
    def surrogate(self, artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Subject]:
        monkeypatch.syspath_prepend(str(EXAMPLE))
        from fhnbench_example.runtime import NumPyRuntime

        def make(**changes: Any) -> Subject:
            changed = dataclasses.replace(artifact, metadata=with_network(artifact, **changes))
            family: Any = None  # the runtime does not need it
            return Subject("itnn-example", SurrogateContender(family, changed, NumPyRuntime()), PROBLEM)

        return make

    def test_the_right_one_passes(self, surrogate: Callable[..., Subject]) -> None:
        results = list(run_checks(surrogate()))
        assert [result.check for result in results] == [check.name for check in conformance_checks("surrogate")]
        assert [(result.check, result.reason) for result in results if result.status == "failed"] == []
        assert [result.check for result in results if result.status == "skipped"] == ["declaration", "numbers"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"activations": ("sin", "sin", "identity")},
            {"input_shift": (0.0, 0.1, 0.5)},
            {"output_scale": (1.0, 1.0)},
            {"output": "state"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_runtime_that_evaluates_another_network_is_caught(
        self, surrogate: Callable[..., Subject], changes: dict[str, Any]
    ) -> None:
        status, reason = result_of("agreement", surrogate(**changes))
        assert status == "failed"
        assert reason.startswith("the mean absolute error is") or "holds inf" in reason or "holds nan" in reason

    def test_without_a_recorded_error_there_is_nothing_to_agree_with(self, artifact: Artifact, surrogate: Any) -> None:
        right = surrogate()
        silent = dataclasses.replace(artifact, metadata=with_network(artifact, validation={}))
        contender = dataclasses.replace(right.contender, artifact=silent)
        result = result_of("agreement", dataclasses.replace(right, contender=contender))
        assert result == ("skipped", "its artifact records no validation error")


def with_network(artifact: Artifact, validation: dict[str, float] | None = None, **changes: Any) -> Any:
    """Return the artifact's metadata with another network, or other validation errors."""
    import msgspec

    network: Network = msgspec.structs.replace(artifact.network, **changes)
    errors = artifact.metadata.validation if validation is None else validation
    return msgspec.structs.replace(artifact.metadata, structure=network, validation=errors)


class TestCases:
    """What plugin authors put into their own tests."""

    @pytest.fixture
    def cases(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], dict[str, Case]]:
        def cases_of(solver: Any) -> dict[str, Case]:
            monkeypatch.setattr("fhnbench.testing.suite.kind_of", lambda *_: "solver")
            monkeypatch.setattr("fhnbench.testing.suite._subject", lambda *_: subject(solver))
            return {case.check.name: case for case in conformance_cases("heun-test")}

        return cases_of

    def test_a_case_for_each_check_named_after_both(self, cases: Callable[[Any], dict[str, Case]]) -> None:
        names = [case.__name__ for case in cases(base.Heun()).values()]
        assert names == [f"heun-test-{check.name}" for check in conformance_checks("solver")]

    def test_a_case_returns_or_raises(self, cases: Callable[[Any], dict[str, Case]]) -> None:
        assert cases(base.Heun())["output"]() is None
        with pytest.raises(ConformanceFailure, match=r"declares 0\.0 operations"):
            cases(method.NoOperations())["cost"]()
        with pytest.raises(NotApplicable, match="it has no option dt"):
            cases(base.NoStep())["order"]()

    def test_an_expected_failure_is_a_skip_and_must_happen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fhnbench.testing.suite.kind_of", lambda *_: "solver")
        monkeypatch.setattr("fhnbench.testing.suite._subject", lambda *_: subject(method.NoOperations()))
        expected = {"cost": "nobody has counted", "output": "it is broken"}
        cases = {case.check.name: case for case in conformance_cases("heun-test", expected_failures=expected)}
        with pytest.raises(NotApplicable, match=r"nobody has counted \(declares 0\.0 operations\)"):
            cases["cost"]()
        with pytest.raises(ConformanceFailure, match="passes, and was expected to fail: it is broken"):
            cases["output"]()
        with pytest.raises(FhnbenchError, match="a failure of cost is expected for no reason; say why"):
            conformance_cases("heun-test", expected_failures={"cost": " "})

    def test_the_kit_does_not_import_pytest(self) -> None:
        program = "import sys, fhnbench.testing.isolated; sys.exit('pytest' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
