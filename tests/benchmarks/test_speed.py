"""Every contender that can run here, on each problem; run with ``--benchmark-only``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fhnbench.plugins.contender import every_contender
from fhnbench.plugins.registry import registry
from fhnbench.problem import standard_problem

if TYPE_CHECKING:
    from fhnbench.testing.benchmark import ContenderBenchmark

CASES = [
    (letter, contender.name)
    for letter in "ABC"
    for contender in every_contender(registry())
    if not contender.named_only and contender.can_run(standard_problem(letter))
]


@pytest.mark.parametrize(("problem", "contender"), CASES)
def test_contender(contender_benchmark: ContenderBenchmark, problem: str, contender: str) -> None:
    contender_benchmark(contender, problem)
