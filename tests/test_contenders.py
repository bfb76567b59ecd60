"""Contenders: the text that users type, options, requests."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAMILY, RUNTIME, plugin_of, registry_of, solver
from fhnbench import FhnbenchError, RuntimeSpec, SurrogateSpec, Unavailable, standard_problem
from fhnbench.plugins.contender import every_contender, kind_of, load, request
from fhnbench.plugins.options import InvalidOptions, build, format_contender, parse_contender
from fhnbench.plugins.registry import Entry, Plugin, Registry

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}(-[a-z0-9_]{1,5}){0,2}", fullmatch=True)
values = st.text(st.characters(exclude_characters="[],=", categories=("L", "N", "P", "S")), min_size=1, max_size=10)


class TestContenderText:
    @given(names, st.dictionaries(names, values, max_size=4))
    def test_formatting_and_parsing_are_inverse(self, name: str, options: dict[str, str]) -> None:
        assert parse_contender(format_contender(name, options)) == (name, options)

    @given(st.text(max_size=30))
    def test_any_text_is_parsed_or_refused_in_one_line(self, text: str) -> None:
        try:
            name, options = parse_contender(text)
        except InvalidOptions as refusal:
            assert len(str(refusal).splitlines()) == 1  # noqa: PT017 - a refusal is one of two answers
            return
        assert name
        assert all(key and value for key, value in options.items())

    @pytest.mark.parametrize("text", [" euler-cpu [ dt = 0.05 , mode = fast ] ", "euler-cpu[dt=0.05,mode=fast,]"])
    def test_spaces_and_a_last_comma_do_not_matter(self, text: str) -> None:
        assert parse_contender(text) == ("euler-cpu", {"dt": "0.05", "mode": "fast"})

    def test_no_options(self) -> None:
        assert parse_contender("euler-cpu[]") == parse_contender("euler-cpu") == ("euler-cpu", {})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is not of the form NAME or NAME[option=value,...]"),
            ("[dt=1]", "is not of the form NAME"),
            ("euler-cpu[dt=1", "is not of the form NAME"),
            ("euler-cpu]", "is not of the form NAME"),
            ("euler-cpu[dt=1]x", "is not of the form NAME"),
            ("euler-cpu[dt=[1]]", "is not of the form NAME"),
            ("euler-cpu[dt]", "'dt' is not of the form option=value"),
            ("euler-cpu[dt=]", "'dt=' is not of the form option=value"),
            ("euler-cpu[=1]", "'=1' is not of the form option=value"),
            ("euler-cpu[dt=1,dt=2]", "option 'dt' is given twice"),
        ],
    )
    def test_malformed(self, text: str, message: str) -> None:
        with pytest.raises(InvalidOptions) as error:
            parse_contender(text)
        assert message in str(error.value)


@dataclass(frozen=True)
class Options:
    dt: float = 0.1
    steps: int = 1
    fused: bool = True
    mode: Literal["fast", "slow"] = "fast"
    label: str = ""
    sizes: tuple[int, ...] = ()
    derived: int = dataclasses.field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.dt < 0:
            raise FhnbenchError("dt is negative")
        if self.steps > 100:
            raise ValueError("too many steps")


class TestOptions:
    def test_values_are_converted_to_the_types_of_the_fields(self) -> None:
        given_options = {"dt": "5e-2", "steps": "3", "fused": "false", "mode": "slow", "label": "7"}
        assert build("x", Options, given_options) == Options(0.05, 3, False, "slow", "7")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"dtt": "1"}, "x: no option 'dtt'; did you mean 'dt'? there are dt, fused, label, mode, precision, "),
            ({"derived": "1"}, "x: no option 'derived'; there are dt, "),
            ({"dt": "fast"}, "x: dt=fast: expected `float`, got `str`"),
            ({"steps": "1.5"}, "x: steps=1.5: expected `int`, got "),
            ({"fused": "perhaps"}, "x: fused=perhaps: expected `bool`, got `str`"),
            ({"mode": "medium"}, "x: mode=medium: invalid enum value 'medium'"),
            ({"steps": "101"}, "x: too many steps"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, options: dict[str, str], message: str) -> None:
        with pytest.raises(InvalidOptions) as error:
            build("x", Options, options, also=("precision",))
        assert message in str(error.value)

    def test_a_plugin_s_own_error_passes(self) -> None:
        with pytest.raises(FhnbenchError, match=r"^dt is negative$"):
            build("x", Options, {"dt": "-1"})

    @pytest.mark.parametrize("target", [Path, len, 7])
    def test_a_target_that_is_no_dataclass_is_refused(self, target: object) -> None:
        with pytest.raises(InvalidOptions, match="is no dataclass; its fields would be its options"):
            build("x", target, {})  # type: ignore[type-var]


class TestRequests:
    @pytest.fixture
    def found(self) -> Registry:
        families = [FAMILY, SurrogateSpec("two-part", "somewhere:Two", "a family with a hyphen")]
        return registry_of(plugin_of([solver()], families, [RUNTIME]))

    def test_solver(self, found: Registry) -> None:
        chosen = request("euler-cpu[dt=0.05]", "solver", found)
        assert (chosen.name, chosen.kind, chosen.options, chosen.precision) == (
            "euler-cpu",
            "solver",
            {"dt": "0.05"},
            "float32",
        )
        assert chosen.label == "euler-cpu[dt=0.05]"
        assert chosen.artifact_path(standard_problem("C")) is None

    def test_precision_of_the_options_goes_before_that_of_the_command_line(self, found: Registry) -> None:
        chosen = request("euler-cpu[precision=float64]", "solver", found, "float16")
        assert chosen.precision == "float64"
        assert chosen.options == {}
        assert chosen.label == "euler-cpu[precision=float64]"

    def test_surrogate(self, found: Registry) -> None:
        chosen = request("net-here[hidden=64x64,chunk=8]", "surrogate", found)
        assert [entry.spec.name for entry in chosen.entries] == ["net", "here"]
        assert (chosen.selectors, chosen.options) == ({"hidden": "64x64"}, {"chunk": "8"})
        assert chosen.label == "net-here[hidden=64x64,chunk=8]"

    def test_a_family_s_name_may_have_a_hyphen(self, found: Registry) -> None:
        assert [entry.spec.name for entry in request("two-part-here", "surrogate", found).entries] == [
            "two-part",
            "here",
        ]

    @pytest.mark.parametrize(
        ("text", "kind", "message"),
        [
            ("euler", "solver", "no solver 'euler'; did you mean 'euler-cpu'?"),
            ("net", "surrogate", "surrogate 'net' is not of the form FAMILY-RUNTIME"),
            ("nut-here", "surrogate", "no surrogate 'nut'; did you mean 'net'?"),
            ("net-there", "surrogate", "no runtime 'there'; did you mean 'here'?"),
        ],
    )
    def test_unknown(self, found: Registry, text: str, kind: Literal["solver", "surrogate"], message: str) -> None:
        with pytest.raises(FhnbenchError) as error:
            request(text, kind, found)
        assert message in str(error.value)

    def test_every_contender(self, found: Registry) -> None:
        assert [chosen.label for chosen in every_contender(found)] == ["euler-cpu", "net-here", "two-part-here"]
        assert {kind_of(chosen.name, found) for chosen in every_contender(found)} == {"solver", "surrogate"}

    def test_every_contender_leaves_out_names_that_clash(self, found: Registry) -> None:
        both = Registry(found.plugins, (*found.items, *registry_of(plugin_of([solver()], [FAMILY])).items))
        assert [chosen.name for chosen in every_contender(both)] == ["two-part-here"]

    @pytest.mark.parametrize("text", ["eulr-cpu", "net", "here", "net-", "-here", "net-there"])
    def test_kind_of_what_does_not_exist(self, found: Registry, text: str) -> None:
        with pytest.raises(
            FhnbenchError, match=f"no contender '{text}'; .*there are euler-cpu, net-here, two-part-here"
        ):
            kind_of(text, found)

    def test_availability_is_that_of_the_first_part_that_is_missing(self, found: Registry) -> None:
        broken = RuntimeSpec("gone", "m:a", "", requires=("nope",), extra="gone")
        entry = Entry(broken, Plugin("p", "one", "1"))
        everything = Registry(found.plugins, (*found.items, entry))
        availability = request("net-gone", "surrogate", everything).availability
        assert str(availability) == "nope not installed; pip install 'one[gone]'"
        assert request("net-here", "surrogate", everything).availability.available

    def test_load_refuses_an_option_that_does_not_exist(self) -> None:
        here = registry_of(plugin_of([solver(target="test_contenders:Options")]))
        message = "euler-cpu: no option 'dtt'; did you mean 'dt'? there are dt, fused, label, mode, output, precision"
        with pytest.raises(InvalidOptions, match=re.escape(message)):
            load(request("euler-cpu[dtt=1]", "solver", here))

    def test_load_of_a_solver_whose_module_does_not_exist(self, found: Registry) -> None:
        with pytest.raises(Unavailable, match="cannot import somewhere:Euler: ModuleNotFoundError"):
            load(request("euler-cpu", "solver", found))
