"""The solver: the conformance kit, and its speed."""

import pytest

from fhnbench.testing import conformance_cases


@pytest.mark.parametrize("check", conformance_cases("ab2-example"))
def test_conformance(check):
    check()


def test_speed(contender_benchmark):
    contender_benchmark("ab2-example", "C", size=1000, time_budget_s=0.1)
