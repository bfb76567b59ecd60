"""That a reader of the results can find out what was measured."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from fhnbench.plugins.options import option_fields
from fhnbench.testing.outcome import ConformanceFailure, NotApplicable

if TYPE_CHECKING:
    from fhnbench.testing.subject import Subject


def check_documentation(subject: Subject) -> None:
    """Check that each option is described under ``Parameters`` in the docstring of the class.

    Options are part of a contender's name in every table; `fhnbench plugins NAME` shows what the docstring says of
    them, and there is no other place to look.
    """
    cls = type(subject.plugin)
    names = [field.name for field in option_fields(cls)]
    if not names:
        raise NotApplicable("it has no options")
    text = inspect.getdoc(cls) or ""
    _, _, parameters = text.partition("Parameters\n----------\n")
    listed = {
        name.strip()
        for line in re.findall(r"^(\w[\w, ]*?)(?: *:.*)?$", parameters, re.MULTILINE)
        for name in line.split(",")
    }
    if missing := [name for name in names if name not in listed]:
        raise ConformanceFailure(f"the docstring of {cls.__qualname__} does not describe {', '.join(missing)}")
