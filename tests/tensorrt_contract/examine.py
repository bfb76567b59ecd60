"""Runs with the real bindings of TensorRT on the path and stub libraries behind them; prints what it finds as JSON.

The path that the plugin takes is followed as far as it goes without a GPU: stubs give no builder.
"""

from __future__ import annotations

import json
import re
import sys

import tensorrt as trt
from table import CALLS, NAMES, PROPERTIES

from fhnbench import FhnbenchError
from fhnbench_tensorrt.engine import Engine, Messages, build_engine, tensorrt_version
from fhnbench_tensorrt.model import StaticModel


def find(dotted: str) -> object:
    found: object = trt
    for name in dotted.split("."):
        found = getattr(found, name)
    return found


def signatures(dotted: str) -> list[tuple[list[tuple[str, bool]], str]]:
    """Return the overloads of a method: types of its parameters, whether they have a default, and what it returns."""
    text = find(dotted).__doc__ or ""
    overloads = []
    for match in re.finditer(rf"\b{dotted.rpartition('.')[2]}\((self: [^\n]*)\) -> ([\w.:]+)", text):
        parameters = re.split(r", (?=\w+: )", match[1])[1:]
        types = [part.partition(": ")[2].partition(" = ") for part in parameters]
        overloads.append(([(kind.rpartition(".")[2], bool(equals)) for kind, equals, _ in types], match[2]))
    return overloads


def is_callable_so(dotted: str, given: tuple[str, ...], returned: str) -> bool:
    """Return whether an overload takes arguments of these types, and no others of necessity."""
    also = {"int": {"int", "SupportsInt"}, "bytes": {"buffer", "Buffer"}}
    for parameters, result in signatures(dotted):
        fits = all(kind in also.get(wanted, {wanted}) for (kind, _), wanted in zip(parameters, given, strict=False))
        optional = all(default for _, default in parameters[len(given) :])
        if fits and optional and len(parameters) >= len(given) and re.split(r"[.:]", result)[-1] == returned:
            return True
    return False


def told(work: object) -> str:
    """Return the error that a user is told, with its kind."""
    try:
        work()
    except FhnbenchError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def main() -> None:
    messages = Messages()
    messages.log(trt.ILogger.Severity.WARNING, "a warning")
    messages.log(trt.ILogger.Severity.ERROR, "an\n  error: out of memory")
    messages.log(trt.ILogger.Severity.INTERNAL_ERROR, "what follows from it")
    model = StaticModel(sys.stdin.buffer.read(), 64, ("u", "w", "i_app"), ("a", "b"))
    found = {
        "version": tensorrt_version(),
        "missing": [name for name in NAMES if not _exists(name)],
        "properties": [name for name in PROPERTIES if not isinstance(find(name), property)],
        "calls": [
            f"{name}{given} -> {returned}: {signatures(name)}"
            for name, given, returned in CALLS
            if not is_callable_so(name, given, returned)
        ],
        "flag": 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED),
        "logger": isinstance(messages, trt.ILogger),
        "explained": messages.explain("It failed"),
        "build": told(lambda: build_engine(model, tf32=False)),
        "load": told(lambda: Engine(b"", model)),
        "has_fp16_flag": hasattr(trt.BuilderFlag, "FP16"),
    }
    print(json.dumps(found))  # noqa: T201


def _exists(name: str) -> bool:
    try:
        find(name)
    except AttributeError:
        return False
    return True


main()
