"""What the reason of a row, of a check or of a broken plugin says about someone else's exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench.errors import one_line

QUOTED = """INTERNAL: CpuCallback error calling callback: Traceback (most recent call last):
  File "callback.py", line 96, in pure_callback_impl
  File "_errors.py", line 88, in raises
    raise RuntimeError(
_EquinoxRuntimeError: The maximum number of solver steps was reached. Try increasing `max_steps`.


--------------------
An error occurred during the runtime of your JAX program!
"""
CHAINED = f"{QUOTED}\nDuring handling of the above:\n\nTraceback (most recent call last):\n  x\nOSError: full\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (RuntimeError("\n\nfirst\nsecond"), "RuntimeError: first"),
        (KeyError("x"), "KeyError: 'x'"),
        (
            ValueError(QUOTED),
            "_EquinoxRuntimeError: The maximum number of solver steps was reached. Try increasing `max_steps`.",
        ),
        (ValueError(CHAINED), "OSError: full"),
        (ValueError("Traceback (most recent call last):"), "ValueError: Traceback (most recent call last):"),
    ],
)
def test_the_line_that_says_what_is_wrong_is_chosen(error: Exception, line: str) -> None:
    assert one_line(error) == line


@given(st.text())
def test_whatever_is_raised_is_one_line(text: str) -> None:
    line = one_line(ValueError(text))
    assert len(line.splitlines()) == 1
    assert line.startswith("ValueError") or "Traceback" in text
