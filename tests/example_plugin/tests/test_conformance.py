"""The conformance kit, run on both contenders of this distribution."""

import pytest

from fhnbench.testing import conformance_cases


@pytest.mark.parametrize("check", [*conformance_cases("ab2-example"), *conformance_cases("itnn-example")])
def test_conformance(check):
    check()
