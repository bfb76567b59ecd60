"""The conformance kit, run on the runtime with a network that ships with fhnbench."""

import pytest

from fhnbench.testing import conformance_cases


@pytest.mark.parametrize("check", conformance_cases("itnn-example"))
def test_conformance(check):
    check()
