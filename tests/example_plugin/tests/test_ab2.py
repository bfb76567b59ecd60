"""The conformance kit, run on the solver."""

import pytest

from fhnbench.testing import conformance_cases


@pytest.mark.parametrize("check", conformance_cases("ab2-example"))
def test_conformance(check):
    check()
