"""Which artifact a surrogate contender evaluates, and what it says when there is none."""

from __future__ import annotations

import dataclasses
import importlib
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from builders import RUNTIME, plugin_of, registry_of
from fhnbench import (
    PAPER_RECIPE,
    FhnbenchError,
    FitzHughNagumo,
    InvalidArtifact,
    Recipe,
    SurrogateSpec,
    Unavailable,
    load_artifact,
    standard_problem,
)
from fhnbench.artifact import load_metadata
from fhnbench.plugins.artifacts import SELECTORS, select_artifact, shipped_folder, uncovered
from fhnbench.plugins.contender import request
from fhnbench.plugins.registry import registry
from fhnbench.training.recipes import choose_recipe
from networks import artifact_of, network_of

if TYPE_CHECKING:
    from fhnbench import ArtifactMetadata, Problem
    from fhnbench.plugins.registry import Entry

C = standard_problem("C")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of artifacts."""
    monkeypatch.setenv("FHNBENCH_ARTIFACTS", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry[SurrogateSpec]:
    """A family whose package is there, with an empty folder of artifacts."""
    package = tmp_path / "net_package"
    (package / "artifacts").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return entry("net_package")


def entry(artifacts: str | None) -> Entry[SurrogateSpec]:
    spec = SurrogateSpec("net", "somewhere:Net", "a family", artifacts=artifacts)
    return registry_of(plugin_of([], [spec], [RUNTIME])).find(SurrogateSpec, "net")


def shipped(tmp_path: Path) -> Path:
    return tmp_path / "net_package" / "artifacts"


def save(
    path: Path,
    mae: float | None = 0.01,
    problem: Problem = C,
    family: str = "net",
    recipe: str = "best",
    **network: Any,
) -> Path:
    artifact = artifact_of(network_of(**network))
    metadata = msgspec.structs.replace(
        artifact.metadata,
        family=family,
        problem=problem,
        training=msgspec.structs.replace(artifact.metadata.training, recipe=recipe),
        validation={} if mae is None else {"mae": mae},
    )
    dataclasses.replace(artifact, metadata=metadata).save(path)
    return path


class TestSelection:
    def test_the_most_accurate_is_chosen(self, folder: Path, net: Entry[SurrogateSpec], tmp_path: Path) -> None:
        save(folder / "a.safetensors", 0.02)
        best = save(shipped(tmp_path) / "b.safetensors", 0.01)
        save(folder / "c.safetensors", None)
        assert select_artifact(net, C, {}) == best

    def test_one_that_records_no_error_is_the_last_choice(self, folder: Path, net: Entry[SurrogateSpec]) -> None:
        only = save(folder / "a.safetensors", None)
        assert select_artifact(net, C, {}) == only

    @pytest.mark.parametrize(
        ("selectors", "expected"),
        [
            ({"hidden": "16x8"}, "b"),
            ({"activation": "silu"}, "c"),
            ({"activation": "tanh-silu"}, "d"),
            ({"recipe": "paper"}, "e"),
            ({"hidden": "8x8", "recipe": "best"}, "a"),
        ],
    )
    def test_selectors(self, folder: Path, net: Entry[SurrogateSpec], selectors: dict[str, str], expected: str) -> None:
        save(folder / "a.safetensors", 0.02)
        save(folder / "b.safetensors", 0.03, hidden=(16, 8))
        save(folder / "c.safetensors", 0.03, activation="silu")
        save(folder / "d.safetensors", 0.03, activation=("tanh", "silu"))
        save(folder / "e.safetensors", 0.01, recipe="paper")
        assert select_artifact(net, C, selectors).stem == expected

    @pytest.mark.parametrize(
        "unfit",
        [
            {"problem": standard_problem("B")},
            {"problem": standard_problem("C", model=FitzHughNagumo(c=3))},
            {"problem": standard_problem("C", save_interval=0.5)},
            {"family": "another"},
        ],
        ids=["problem", "model", "save interval", "family"],
    )
    def test_what_does_not_fit_is_not_chosen(
        self, folder: Path, net: Entry[SurrogateSpec], unfit: dict[str, Any]
    ) -> None:
        save(folder / "a.safetensors", **unfit)
        with pytest.raises(Unavailable, match=r"^no artifact of net for problem C; train one: "):
            select_artifact(net, C, {})

    def test_a_path_goes_before_everything(self, folder: Path, net: Entry[SurrogateSpec], tmp_path: Path) -> None:
        save(folder / "a.safetensors", 0.01)
        elsewhere = save(tmp_path / "elsewhere.safetensors", 0.5, standard_problem("B"))
        assert select_artifact(net, C, {"artifact": str(elsewhere)}) == elsewhere

    def test_a_path_to_another_family_s_is_refused(self, net: Entry[SurrogateSpec], tmp_path: Path) -> None:
        path = save(tmp_path / "a.safetensors", family="another")
        with pytest.raises(FhnbenchError, match="an artifact of another, not of net"):
            select_artifact(net, C, {"artifact": str(path)})

    def test_a_path_that_does_not_exist(self, net: Entry[SurrogateSpec]) -> None:
        with pytest.raises(InvalidArtifact, match=r"nowhere\.safetensors: no such file"):
            select_artifact(net, C, {"artifact": "nowhere.safetensors"})

    def test_a_damaged_file_is_named(self, folder: Path, net: Entry[SurrogateSpec]) -> None:
        damaged = save(folder / "a.safetensors")
        damaged.write_bytes(damaged.read_bytes()[:100])
        with pytest.raises(InvalidArtifact, match=r"a\.safetensors: not a readable safetensors file"):
            select_artifact(net, C, {})

    @pytest.mark.parametrize(
        ("selectors", "command"),
        [
            ({}, "--problem C"),
            ({"hidden": "8x8"}, "--problem C --hidden 8,8"),
            ({"recipe": "paper", "activation": "tanh-silu"}, "--problem C --activation tanh,silu --recipe paper"),
        ],
    )
    @pytest.mark.usefixtures("folder")
    def test_none_fits_and_the_message_holds_the_command_that_trains_one(
        self, net: Entry[SurrogateSpec], selectors: dict[str, str], command: str
    ) -> None:
        wanted = "".join(f", {key}={value}" for key, value in selectors.items())
        with pytest.raises(Unavailable) as error:
            select_artifact(net, C, selectors)
        assert str(error.value) == f"no artifact of net for problem C{wanted}; train one: fhnbench train net {command}"

    @pytest.mark.parametrize("package", [None, "no_such_package", "no_such_package.inner", "json.no_such"])
    @pytest.mark.usefixtures("folder")
    def test_a_family_that_ships_none(self, package: str | None) -> None:
        with pytest.raises(Unavailable, match="no artifact of net"):
            select_artifact(entry(package), C, {})

    def test_own_artifacts_lie_below_the_current_folder(
        self, net: Entry[SurrogateSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("FHNBENCH_ARTIFACTS", raising=False)
        monkeypatch.chdir(tmp_path)
        save(tmp_path / "artifacts" / "a.safetensors")
        assert select_artifact(net, C, {}) == Path("artifacts", "a.safetensors")

    def test_a_request_knows_whether_it_can_run(self, folder: Path) -> None:
        registry = registry_of(plugin_of([], [entry(None).spec], [RUNTIME]))
        chosen = request("net-here", "surrogate", registry)
        assert not chosen.can_run(C)
        save(folder / "a.safetensors")
        assert chosen.can_run(C)
        assert not chosen.can_run(standard_problem("A"))


class TestCoverage:
    @pytest.fixture
    def trained(self, tmp_path: Path) -> ArtifactMetadata:
        return load_artifact(save(tmp_path / "a.safetensors")).metadata

    @pytest.mark.parametrize(
        "changes",
        [{}, {"u0": (0.0, 1.0), "i_app": (0.5, 0.5)}, {"horizon": 10.0}],
        ids=["same", "inside", "shorter"],
    )
    def test_what_lies_inside_is_covered(self, trained: ArtifactMetadata, changes: dict[str, Any]) -> None:
        assert uncovered(trained, standard_problem("C", **changes)) is None

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"u0": (-2.5, 2.0)}, "u0 in [-2.5, 2] lies outside the training range [-2, 2]"),
            ({"w0": (-1.0, 1.1)}, "w0 in [-1, 1.1] lies outside the training range [-1, 1]"),
            ({"i_app": (1.5, 2.0)}, "i_app in [1.5, 2] lies outside the training range [0, 1]"),
            ({"horizon": 100.0}, "the horizon 100 lies beyond the trained 50"),
            ({"save_interval": 0.5}, "the save interval is 0.5, trained was 1"),
            ({"model": FitzHughNagumo(tau=10)}, "the model is FitzHughNagumo(a=0.7, b=0.8, c=1.0, tau=10)"),
        ],
    )
    def test_what_lies_outside_is_said(self, trained: ArtifactMetadata, changes: dict[str, Any], reason: str) -> None:
        assert (uncovered(trained, standard_problem("C", **changes)) or "").startswith(reason)


def test_shipped_artifacts_can_be_told_apart_and_the_default_is_the_best() -> None:
    for family in ("ddnn", "itnn", "pinn"):
        of_family = registry().find(SurrogateSpec, family)
        folder = shipped_folder(of_family.spec)
        assert folder is not None
        shipped = {path: load_metadata(path) for path in folder.glob("*.safetensors")}
        names = Counter(
            (one.problem.name, *(SELECTORS[key](one) for key in ("hidden", "activation", "recipe")))
            for one in shipped.values()
        )
        assert max(names.values()) == 1
        for problem in map(standard_problem, "ABC"):
            errors = {path: one.validation["mae"] for path, one in shipped.items() if one.problem.name == problem.name}
            best = min(errors, key=lambda path: errors[path])
            assert select_artifact(of_family, problem, {}) == best
            assert shipped[best].training.recipe != "paper"
            as_in_the_paper = shipped[select_artifact(of_family, problem, {"recipe": "paper"})]
            assert as_in_the_paper.training.samples == PAPER_RECIPE.fixed_samples(problem.name)


def test_the_printed_command_of_a_shipped_artifact_asks_for_its_recipe() -> None:
    for family in ("ddnn", "itnn", "pinn"):
        recipes = importlib.import_module(f"fhnbench_{family}.recipes").RECIPES
        folder = shipped_folder(registry().find(SurrogateSpec, family).spec)
        assert folder is not None
        for path in folder.glob("*.safetensors"):
            training = load_metadata(path).training
            words = shlex.split(training.command)
            settings = dict(words[k + 1].split("=", 1) for k, word in enumerate(words) if word == "--set")
            asked = msgspec.to_builtins(choose_recipe(recipes, words[words.index("--recipe") + 1], settings))
            recorded = training.options["recipe"]
            # What a recipe could not say at the time has its default.
            assert asked == {**msgspec.to_builtins(Recipe()), **recorded}
