"""Plugins: how they are found, quarantined, named and described."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders import FAMILY, RUNTIME, FakeEntryPoint, plugin_of, registry_of, solver
from conftest import HOSTILE
from fhnbench import (
    Availability,
    CommandSpec,
    FhnbenchError,
    RuntimeSpec,
    SolverSpec,
    SurrogateSpec,
    Unavailable,
)
from fhnbench.plugins import hookspecs
from fhnbench.plugins.registry import Plugin, Registry, discover
from fhnbench.plugins.specs import import_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CommandLine


class TestDiscovery:
    def test_specs_know_their_distribution_and_version(self) -> None:
        entry = registry_of(plugin_of([solver()])).find(SolverSpec, "euler-cpu")
        assert (entry.plugin.distribution, entry.plugin.version) == ("one", "1.0")

    def test_kinds_are_kept_apart_and_sorted(self) -> None:
        found = registry_of(plugin_of([solver("b-x"), solver("a-x")], [FAMILY], [RUNTIME]))
        assert [entry.spec.name for entry in found.entries(SolverSpec)] == ["a-x", "b-x"]
        assert [entry.spec.name for entry in found.entries(SurrogateSpec)] == ["net"]
        assert [entry.spec.name for entry in found.entries(RuntimeSpec)] == ["here"]
        assert found.entries(CommandSpec) == ()

    def test_declaring_imports_no_target(self) -> None:
        assert registry_of(plugin_of([solver(target="no_such_module:Nothing")])).find(SolverSpec, "euler-cpu")

    def test_same_name_in_two_kinds_is_no_clash(self) -> None:
        found = registry_of(plugin_of([], [SurrogateSpec("cpu", "m:a", "")], [RuntimeSpec("cpu", "m:b", "")]))
        assert found.find(SurrogateSpec, "cpu").spec.target == "m:a"
        assert found.find(RuntimeSpec, "cpu").spec.target == "m:b"

    def test_duplicate_name_is_an_error_that_names_both_distributions(self) -> None:
        found = registry_of(plugin_of([solver(), solver("heun-cpu")]), plugin_of([solver()]))
        with pytest.raises(FhnbenchError, match="solver 'euler-cpu' is declared by one and by two; uninstall one"):
            found.find(SolverSpec, "euler-cpu")
        assert found.find(SolverSpec, "heun-cpu")

    def test_unknown_name_is_answered_with_the_closest(self) -> None:
        found = registry_of(plugin_of([solver(), solver("heun-cpu")]))
        with pytest.raises(
            FhnbenchError, match="no solver 'euler-cpo'; did you mean 'euler-cpu'\\? there are euler-cpu, heun-cpu"
        ):
            found.find(SolverSpec, "euler-cpo")

    def test_unknown_name_in_an_empty_registry(self) -> None:
        with pytest.raises(FhnbenchError, match="no solver 'x'; there are none"):
            Registry().find(SolverSpec, "x")

    def test_entry_point_without_a_distribution(self) -> None:
        found = discover([FakeEntryPoint("loose", plugin_of([solver()]), None)])
        assert found.plugins == (Plugin("loose", "unknown", "unknown"),)

    def test_hooks_are_documented(self) -> None:
        hooks = [name for name in vars(hookspecs) if name.startswith("fhnbench_")]
        assert len(hooks) == 5
        for name in hooks:
            assert (getattr(hookspecs, name).__doc__ or "").startswith("Return "), name


HOSTILE_ERRORS = {
    "raises": "RuntimeError: this plugin raises on import",
    "exits": "SystemExit: this plugin exits on import",
    "unknown": "PluginValidationError: unknown hook 'fhnbench_integrators'",
    "nothing": "TypeError: it declares nothing; decorate its hooks with @fhnbench.hookimpl",
    "not-specs": "TypeError: fhnbench_solvers returned {'name': 'not-specs'}, not a SolverSpec",
    "not-a-list": "TypeError: ",
    "future": "FhnbenchError: it is written for version 99 of the plugin API, this fhnbench has version 1; install",
    "no-version": "FhnbenchError: it does not say for which version of the plugin API it is written; add FHNBENCH_API",
}


class TestQuarantine:
    """With the metadata of a distribution and its real entry points."""

    @pytest.fixture
    def hostile(self, hostile_site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
        monkeypatch.syspath_prepend(str(HOSTILE))

        def found(*names: str) -> Registry:
            (metadata,) = hostile_site(*names).glob("*.dist-info")
            points = importlib.metadata.Distribution.at(metadata).entry_points
            return discover(points.select(group="fhnbench"))

        return found

    @pytest.mark.parametrize(("name", "error"), HOSTILE_ERRORS.items())
    def test_what_is_broken_is_listed_with_its_exception_in_one_line(
        self, hostile: Callable[..., Registry], name: str, error: str
    ) -> None:
        (plugin,) = hostile(name).plugins
        assert plugin.error is not None
        assert plugin.error.startswith(error)
        assert "\n" not in plugin.error
        assert (plugin.name, plugin.distribution, plugin.version) == (name, "fhnbench-hostile", "6.6.6")

    def test_the_rest_works(self, hostile: Callable[..., Registry]) -> None:
        found = hostile(*HOSTILE_ERRORS, "hangs")
        assert [entry.spec.name for entry in found.items] == ["hang-hostile"]
        assert [plugin.name for plugin in found.plugins if plugin.error is None] == ["hangs"]

    def test_a_name_that_is_not_found_points_at_what_is_broken(self, hostile: Callable[..., Registry]) -> None:
        with pytest.raises(
            FhnbenchError, match=r"no solver 'x'; .*; broken plugins: raises \(fhnbench plugins says why\)"
        ):
            hostile("raises", "hangs").find(SolverSpec, "x")

    def test_a_missing_package_is_no_error_but_a_reason_with_a_remedy(self, hostile: Callable[..., Registry]) -> None:
        availability = hostile("missing").find(SolverSpec, "missing-hostile").availability
        assert not availability.available
        assert str(availability) == "no_such_package.module not installed; pip install 'fhnbench-hostile[missing]'"

    def test_a_probe_that_raises_is_a_reason(self, hostile: Callable[..., Registry]) -> None:
        availability = hostile("probe").find(SolverSpec, "probe-hostile").availability
        assert str(availability) == "its probe hostile.plugins:probe raised OSError: the driver is asleep"


class TestSpecs:
    @pytest.mark.parametrize("name", ["euler-cpu", "a", "a1_b-2-c"])
    def test_names(self, name: str) -> None:
        assert SolverSpec(name, "m:a", "").name == name

    @pytest.mark.parametrize(
        "name", ["", "Euler", "euler cpu", "-cpu", "euler-", "e--c", "1a", "é", "a[b]", "a,b", "a\n"]
    )
    @pytest.mark.parametrize("kind", [SolverSpec, SurrogateSpec, RuntimeSpec, CommandSpec])
    def test_malformed_names_are_refused(self, kind: type[SolverSpec], name: str) -> None:
        with pytest.raises(FhnbenchError, match=f"{kind.kind} name .*: use lower-case letters, digits"):
            kind(name, "m:a", "")

    def test_a_runtime_has_no_hyphen_because_its_contenders_could_not_be_read(self) -> None:
        with pytest.raises(FhnbenchError, match="runtime name 'my-runtime': use lower-case letters, digits, and '_'"):
            RuntimeSpec("my-runtime", "m:a", "")

    @pytest.mark.parametrize("target", ["m", "m:", ":a", "m.a", "m:a.b", "m:a()", "a b:c", "m::a"])
    @pytest.mark.parametrize("place", ["target", "probe"])
    def test_malformed_targets_are_refused(self, target: str, place: str) -> None:
        with pytest.raises(FhnbenchError, match="is not of the form 'module:attribute'"):
            SolverSpec(**{"name": "a-b", "target": "m:a", "summary": "", place: target})

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"requires": ("numpy",)}, "available"),
            ({"requires": ("numpy", "nope1", "nope2")}, "nope1 and nope2 not installed; pip install nope1 nope2"),
            ({"requires": ("nope",), "extra": "gpu"}, "nope not installed; pip install 'dist[gpu]'"),
            ({"requires": ("nope.inner",)}, "nope.inner not installed; pip install nope.inner"),
            ({"requires": ("json.nope",)}, "json.nope not installed; pip install json.nope"),
            ({"requires": ("json.tool.nope",)}, "json.tool.nope not installed; pip install json.tool.nope"),
            ({"probe": "test_plugins:probe_says_no"}, "no driver; install one"),
            ({"probe": "test_plugins:probe_says_yes"}, "available"),
            ({"probe": "test_plugins:probe_says_7"}, "its probe test_plugins:probe_says_7 returned 7"),
        ],
    )
    def test_availability(self, settings: dict[str, Any], expected: str) -> None:
        availability = SolverSpec("a-b", "m:a", "", **settings).availability("dist")
        assert str(availability) == expected
        assert availability.available == (expected == "available")

    def test_availability_of_a_probe_that_does_not_exist(self) -> None:
        availability = SolverSpec("a", "m:a", "", probe="test_plugins:no_such").availability("dist")
        assert not availability.available
        assert "its probe test_plugins:no_such raised Unavailable" in str(availability)

    def test_a_probe_is_not_asked_where_a_package_is_missing(self) -> None:
        availability = SolverSpec("a", "m:a", "", requires=("nope",), probe="no_such:probe").availability("dist")
        assert availability.reason == "nope not installed"

    def test_import_target(self) -> None:
        assert import_target("pathlib:Path") is Path

    @pytest.mark.parametrize(
        ("target", "error"),
        [
            ("no_such_module:A", "ModuleNotFoundError"),
            ("pathlib:NoSuch", "AttributeError"),
            ("hostile.raises:A", "RuntimeError"),
        ],
    )
    def test_a_target_that_cannot_be_imported_is_unavailable(
        self, target: str, error: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(str(HOSTILE))
        with pytest.raises(Unavailable, match=f"cannot import {target}: {error}: "):
            import_target(target)


def probe_says_no() -> Availability:
    return Availability(False, "no driver", "install one")


def probe_says_yes() -> Availability:
    return Availability(True)


def probe_says_7() -> int:
    return 7


class TestPluginsCommand:
    """`fhnbench plugins`, with distributions that are really installed."""

    def test_the_example_is_found_like_any_plugin(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        done = command_line("plugins", environment=plugins_path("example"))
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in done.stdout.splitlines()]
        assert ["ab2-example", "solver", "fhnbench-example", "0.1.0", "available"] in rows
        assert any(row[:2] == ["ddnn-example", "surrogate"] for row in rows)

    def test_it_is_gone_when_it_is_not_installed(self, command_line: CommandLine) -> None:
        assert "example" not in command_line("plugins").stdout

    def test_every_hostile_plugin_at_once(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        environment = plugins_path(
            "example", *HOSTILE_ERRORS, "hangs", "dies", "probe", "missing", "duplicate", "prints"
        )
        done = command_line("plugins", environment=environment)
        assert done.returncode == 0, done.stderr
        shown = " ".join(done.stdout.split())
        for name in HOSTILE_ERRORS:
            assert f"plugin {name} of fhnbench-hostile 6.6.6 is broken: " in shown
        assert "ab2-example solver fhnbench-example 0.1.0 available" in shown
        assert "hang-hostile solver fhnbench-hostile 6.6.6 available" in shown
        assert "its probe hostile.plugins:probe raised OSError: the driver is asleep" in shown
        remedy = "no_such_package.module not installed; pip install 'fhnbench-hostile[missing]'"
        assert remedy.replace(" ", "") in shown.replace(" ", "")  # its column may be narrower than a word
        assert "declared by fhnbench and by fhnbench-hostile; uninstall one of them" in shown
        assert "Traceback" not in done.stdout + done.stderr

    def test_one_contender_is_shown_with_options_defaults_and_documentation(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        done = command_line("plugins", "ab2-example", environment=plugins_path("example"))
        assert done.returncode == 0, done.stderr
        assert "The two-step Adams-Bashforth method in NumPy." in done.stdout
        assert ["dt", "float", "0.1"] in [line.split() for line in done.stdout.splitlines()]

    def test_a_surrogate_contender_is_shown_as_family_and_runtime(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        done = command_line("plugins", "ddnn-example", environment=plugins_path("example"))
        assert done.returncode == 0, done.stderr
        assert "ddnn  surrogate of fhnbench" in done.stdout
        assert "example  runtime of fhnbench-example" in done.stdout
        assert ["chunk", "int", "4096"] in [line.split() for line in done.stdout.splitlines()]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("absent-hostile", "options unknown: cannot import hostile.no_such_module:Correct: ModuleNotFoundError"),
            ("missing-hostile", "no_such_package.module not installed; pip install 'fhnbench-hostile[missing]'"),
            ("hostile-command", "fhnbench hostile-command --help shows its options"),
        ],
    )
    def test_what_cannot_run_is_described_all_the_same(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]], name: str, expected: str
    ) -> None:
        done = command_line("plugins", name, environment=plugins_path("missing", "command"))
        assert done.returncode == 0, done.stderr
        assert expected in " ".join(done.stdout.split())

    def test_a_typo_is_answered_with_the_closest_name(
        self, command_line: CommandLine, plugins_path: Callable[..., dict[str, str]]
    ) -> None:
        done = command_line("plugins", "ab2-exampel", environment=plugins_path("example"))
        assert done.returncode == 2
        assert "Error: no contender 'ab2-exampel'; did you mean 'ab2-example'?" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_example_is_a_distribution_of_its_own(example_site: Path) -> None:
    """What pip installed is what an author publishes: metadata, an entry point, and only its own package."""
    (metadata,) = example_site.glob("*.dist-info")
    distribution = importlib.metadata.Distribution.at(metadata)
    assert distribution.name == "fhnbench-example"
    assert [point.value for point in distribution.entry_points.select(group="fhnbench")] == ["fhnbench_example.plugin"]
    assert sorted(path.name for path in example_site.iterdir() if path != metadata) == ["fhnbench_example"]


def test_the_example_passes_its_own_tests(plugins_path: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-rs",
        str(HOSTILE.parent / "example_plugin"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=plugins_path("example"), timeout=300
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
