"""``euler-cpu[dt=0.05,precision=float64]``: the name of a contender and its options, typed from a dataclass."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.plugins.registry import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

_CONTENDER = re.compile(r"(?P<name>[^\[\]]+?)(?:\[(?P<options>[^\[\]]*)\])?")


class InvalidOptions(FhnbenchError):
    """An option that a contender does not have, or a value that it cannot take."""


def parse_contender(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name[key=value,...]`` into the name and its options.

    Raises
    ------
    InvalidOptions
        If the text is not of that form or repeats an option.
    """
    match = _CONTENDER.fullmatch(text.strip())
    if not match:
        raise InvalidOptions(f"{text!r} is not of the form NAME or NAME[option=value,...]")
    options: dict[str, str] = {}
    for part in filter(None, (match["options"] or "").split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise InvalidOptions(f"{text!r}: {part.strip()!r} is not of the form option=value")
        if key in options:
            raise InvalidOptions(f"{text!r}: option {key!r} is given twice")
        options[key] = value
    return match["name"].strip(), options


def named_values(option: str, texts: Iterable[str]) -> dict[str, str]:
    """Return what the NAME=VALUE words of a command's option say.

    Raises
    ------
    FhnbenchError
        If a word is none; the message names the option.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise FhnbenchError(f"{option} {text!r}: give NAME=VALUE")
        values[name.strip()] = value.strip()
    return values


def format_contender(name: str, options: Mapping[str, object]) -> str:
    """Return the text that `parse_contender` reads."""
    inner = ",".join(f"{key}={value}" for key, value in options.items())
    return f"{name}[{inner}]" if inner else name


def option_fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a plugin's dataclass that are options.

    Raises
    ------
    InvalidOptions
        If the class is no dataclass.
    """
    if not dataclasses.is_dataclass(cls):
        raise InvalidOptions(f"{cls!r} is no dataclass; its fields would be its options")
    return tuple(field for field in dataclasses.fields(cls) if field.init)


def build(name: str, cls: type[T], options: Mapping[str, str], *, also: tuple[str, ...] = ()) -> T:
    """Construct a plugin's dataclass from options typed by a user.

    Parameters
    ----------
    name
        The contender's name, for messages.
    cls
        A dataclass; values are converted to the types of its fields.
    options
        Text values by option name.
    also
        Further options that the contender takes, listed in messages.

    Raises
    ------
    InvalidOptions
        If an option does not exist (the message lists those that do, and the closest) or a value does not convert.
    """
    fields = {field.name: field for field in option_fields(cls)}
    for key in options:
        if key not in fields:
            raise InvalidOptions(f"{name}: no option {key!r}; {suggestion(key, sorted([*fields, *also]))}")
    try:
        return msgspec.convert(dict(options), cls, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        if place:
            key = place.rstrip("`")
            raise InvalidOptions(f"{name}: {key}={options.get(key)}: {message[0].lower()}{message[1:]}") from None
        raise InvalidOptions(f"{name}: {message}") from None
    except NameError as error:  # an annotation that is there for type checkers only
        raise InvalidOptions(
            f"{name}: {error} when the fields of {cls.__name__} are read; import what annotates them, class variables "
            f"included, outside of `if TYPE_CHECKING:`"
        ) from None
