"""Our own contenders, as `fhnbench check` finds them, keep what their interface promises."""

from __future__ import annotations

import pytest

from fhnbench.plugins.contender import every_contender
from fhnbench.plugins.registry import registry
from fhnbench.testing import Case, conformance_cases


def marks_of(contender: str) -> tuple[pytest.MarkDecorator, ...]:
    """Return how a contender's checks are marked: compiled kernels take seconds, frameworks minutes."""
    if contender.endswith(("-cuda", "-trt")):
        return (pytest.mark.gpu,)
    return () if contender.endswith("-cpu") else (pytest.mark.slow,)


def cases() -> list[object]:
    own = [
        contender.name
        for contender in every_contender(registry())
        if all(entry.plugin.distribution == "fhnbench" for entry in contender.entries)
    ]
    return [
        pytest.param(case, id=case.__name__, marks=marks_of(name)) for name in own for case in conformance_cases(name)
    ]


@pytest.mark.parametrize("check", cases())
def test_conformance(check: Case) -> None:
    check()


def test_no_plugin_of_ours_is_broken() -> None:
    assert [(plugin.name, plugin.error) for plugin in registry().plugins if plugin.error] == []


def test_solvers_and_surrogates_are_there() -> None:
    names = {contender.name for contender in every_contender(registry())}
    assert {"euler-cpu", "midpoint-cpu", "heun-cpu", "rk3-cpu", "rk4-cpu", "ddnn-cpu", "ddnn-torch"} <= names
