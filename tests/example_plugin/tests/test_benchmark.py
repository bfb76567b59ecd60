"""The speed of both contenders of this distribution, tracked with pytest-benchmark."""

import pytest


@pytest.mark.parametrize("contender", ["ab2-example", "itnn-example"])
def test_speed(contender_benchmark, contender):
    contender_benchmark(contender, "C", size=1000, time_budget_s=0.2)
