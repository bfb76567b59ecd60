"""The plan of a sweep: which architectures are trained, for which problem. It is a file that people read and edit."""

from __future__ import annotations

import msgspec

from fhnbench import FhnbenchError

PLAN_SCHEMA = "fhnbench.sweep-plan/1"


class Space(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which architectures there are.

    Parameters
    ----------
    layers
        Fewest and most hidden layers.
    neurons
        Fewest and most neurons of all hidden layers together.
    activations
        What each hidden layer may have.
    """

    layers: tuple[int, int] = (1, 5)
    neurons: tuple[int, int] = (8, 512)
    activations: tuple[str, ...] = ("tanh", "silu", "relu", "sin", "sigmoid")


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An architecture that is to be trained.

    Parameters
    ----------
    name
        Unique in the plan, ``c0000`` and so on.
    hidden, activations
        Sizes and activations of the hidden layers.
    shape
        Class of the sizes, by `fhnbench_sweep.shapes`.
    size_bin
        Which bin of the number of neurons it was selected for, from 0.
    """

    name: str
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    shape: str
    size_bin: int

    @property
    def neurons(self) -> int:
        """Neurons of all hidden layers."""
        return sum(self.hidden)


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Candidates for a problem, and how they were selected.

    Parameters
    ----------
    problem
        Name of the problem.
    seed
        Seed of the selection.
    space
        Where they were selected from.
    candidates
        In the order of their names.
    command
        The command that selects them again.
    """

    problem: str
    seed: int
    space: Space
    candidates: tuple[Candidate, ...]
    command: str
    schema: str = PLAN_SCHEMA


def decode_plan(content: bytes) -> Plan:
    """Read a plan.

    Raises
    ------
    FhnbenchError
        If it is no JSON, of another schema, or a field is missing or of the wrong type.
    """
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"not the plan of a sweep: {error}") from None
    if plan.schema != PLAN_SCHEMA:
        raise FhnbenchError(f"schema {plan.schema!r}; this version reads {PLAN_SCHEMA!r}")
    return plan
