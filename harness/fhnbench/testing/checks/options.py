"""That nonsense is refused where it is typed."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from fhnbench.errors import FhnbenchError, Refused
from fhnbench.plugins.options import build, option_fields
from fhnbench.testing.outcome import ConformanceFailure, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench.testing.subject import Subject

_GIBBERISH = "no,such/value"


def check_unknown_options(subject: Subject) -> None:
    """Check that unknown options are refused, and values that are not of the option's type.

    A misspelt option that is silently ignored measures something else than what was asked for.
    """
    cls = type(subject.plugin)
    given = [("no_such_option", "1")]
    given += [
        (field.name, _GIBBERISH)
        for field in option_fields(cls)
        if not isinstance(getattr(subject.plugin, field.name), str) or "Literal" in str(field.type)
    ]
    for name, value in given:
        _require_refusal(f"{name}={value}", partial(build, subject.name, cls, {name: value}))


def check_numbers(subject: Subject) -> None:
    """Check that a number that is nan or infinite is refused, by the constructor or by `prepare`.

    Every comparison with nan is false, so it slips through the usual tests, and all trajectories become nan.
    """
    numbers = [name for name, value in subject.options.items() if isinstance(value, float)]
    if not numbers:
        raise NotApplicable("it has no option that is a number with decimals")
    for name in numbers:
        for value in ("nan", "inf", "-inf"):
            _require_option_refused(subject, name, value)


def check_step(subject: Subject) -> None:
    """Check that a step that is not positive, or does not divide the save interval, is refused, naming the nearest.

    A step that is silently rounded, or a last step that is silently shortened, is another method at another cost.
    """
    subject.require_step()
    interval = subject.problem.save_interval
    for value in ("0", "-0.1"):
        _require_option_refused(subject, "dt", value)
    odd, nearest = 0.3 * interval, interval / 3
    refusal = _require_option_refused(subject, "dt", repr(odd))
    if not isinstance(refusal, Refused):
        raise ConformanceFailure(f"dt={odd:g} raises {type(refusal).__name__}, not Refused: {refusal}")
    named = [float(number) for number in re.findall(r"\d+\.?\d*(?:e-?\d+)?", str(refusal))]
    if not any(abs(number - nearest) < 1e-3 * nearest for number in named):
        raise ConformanceFailure(f"refuses dt={odd:g} without naming the nearest, {nearest:g}: {refusal}")


def _require_option_refused(subject: Subject, name: str, value: str) -> FhnbenchError:
    def attempt() -> None:
        plugin = build(subject.name, type(subject.plugin), {name: value})
        with subject.with_options(**{name: getattr(plugin, name)}).prepared():
            pass

    return _require_refusal(f"{name}={value}", attempt)


def _require_refusal(what: str, attempt: Callable[[], object]) -> FhnbenchError:
    """Return the error by which `attempt` is refused."""
    try:
        attempt()
    except FhnbenchError as error:
        if not str(error) or "\n" in str(error):
            raise ConformanceFailure(f"{what} is refused in no or in several lines: {str(error)!r}") from None
        return error
    except Exception as error:  # noqa: BLE001 - whatever else it raises is what the check is about
        raise ConformanceFailure(
            f"{what} raises {type(error).__name__} ({error}); derive errors from FhnbenchError"
        ) from None
    raise ConformanceFailure(f"{what} is accepted")
