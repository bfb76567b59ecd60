"""The record of an experiment, ``record.json``: what was run, what came out, and what it says of the paper."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fhnbench import FhnbenchError

EXPERIMENT_SCHEMA = "fhnbench.experiment/1"

Verdict = Literal["reproduced", "refuted", "not comparable", "not measured"]


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement of the paper, and what our figures say of it.

    Parameters
    ----------
    statement, section
        The paper's words, and where they stand.
    rule
        The rule that turns figures into the verdict.
    measurement
        Our figures that the rule reads, in words.
    verdict
        What the rule gives.
    why
        One sentence.
    """

    statement: str
    section: str
    rule: str
    measurement: str
    verdict: Verdict
    why: str


class ExperimentRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole experiment.

    Parameters
    ----------
    experiment, summary
        Name, and what it is about.
    created, command
        When it ended (UTC), and the command that repeats it.
    quick, seed, settings
        What was asked: the quick or the full form, the seed, and every setting by name.
    threads, seconds, resumed
        CPU threads that were used, the wall-clock time, and whether an interrupted experiment was taken up again, whose
        time is not counted.
    environment
        Machine, packages and revision.
    figures
        Everything that was measured; its fields are those of the experiment's own figures.
    findings
        The paper's statements, each with its verdict.
    """

    experiment: str
    summary: str
    created: str
    command: str
    quick: bool
    seed: int
    settings: dict[str, Any]
    threads: int
    seconds: float
    environment: dict[str, Any]
    figures: dict[str, Any]
    findings: tuple[Finding, ...]
    resumed: bool = False
    schema: str = EXPERIMENT_SCHEMA


def encode(record: ExperimentRecord) -> str:
    """Return the JSON text of a record.

    Numbers of an innermost list share a line, so that the file stays readable.
    """
    return _indented(msgspec.to_builtins(record)) + "\n"


def decode(content: bytes | str) -> ExperimentRecord:
    """Read a record.

    Raises
    ------
    FhnbenchError
        If it is no JSON, of another schema, or a field is missing or of the wrong type.
    """
    try:
        schema = msgspec.json.decode(content, type=dict[str, Any]).get("schema")
        if schema != EXPERIMENT_SCHEMA:
            raise FhnbenchError(f"schema {schema!r}; this version reads {EXPERIMENT_SCHEMA!r}")
        return msgspec.json.decode(content, type=ExperimentRecord)
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"not the record of an experiment: {error}") from None


def _indented(value: Any, indent: str = "") -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{_text(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and any(isinstance(item, dict | list | tuple) for item in value):
        return "[\n" + ",\n".join(inner + _indented(item, inner) for item in value) + f"\n{indent}]"
    return _text(value)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
