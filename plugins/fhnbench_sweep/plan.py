"""The plan of a sweep: which architectures are trained, for which problem. It is a file that people read and edit."""

from __future__ import annotations

import itertools
from collections import Counter

import msgspec

from fhnbench import FhnbenchError
from fhnbench_sweep.shapes import shape_of

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
    widths
        How many neurons a layer may have: powers of two and what lies half-way between.
    bins
        Least number of neurons of each bin of sizes but the first. The paper compares networks below 120 neurons with
        larger ones, and finds useful ones up to 256.
    """

    layers: tuple[int, int] = (1, 5)
    neurons: tuple[int, int] = (8, 512)
    activations: tuple[str, ...] = ("tanh", "silu", "relu", "sin", "sigmoid")
    widths: tuple[int, ...] = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
    bins: tuple[int, ...] = (32, 64, 120, 257)

    @property
    def size_bins(self) -> list[tuple[int, int]]:
        """Fewest and most neurons of each bin."""
        low, high = self.neurons
        edges = [low, *(edge for edge in self.bins if low < edge <= high), high + 1]
        return [(first, following - 1) for first, following in itertools.pairwise(edges)]


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

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"{self.name}: hidden {self.hidden} needs layers with neurons")
        if len(self.hidden) != len(self.activations):
            raise ValueError(f"{self.name}: {len(self.activations)} activations for {len(self.hidden)} hidden layers")
        if (shape := shape_of(self.hidden)) != self.shape:
            raise ValueError(f"{self.name}: hidden {self.hidden} is of the class {shape}, not {self.shape}")

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

    def __post_init__(self) -> None:
        names = Counter(candidate.name for candidate in self.candidates)
        if repeated := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"{repeated[0]} is the name of {names[repeated[0]]} candidates")
        bins = self.space.size_bins
        for one in self.candidates:
            if not (0 <= one.size_bin < len(bins) and bins[one.size_bin][0] <= one.neurons <= bins[one.size_bin][1]):
                raise ValueError(f"{one.name}: {one.neurons} neurons do not belong to the size bin {one.size_bin}")


def encode_plan(plan: Plan) -> bytes:
    """Return a plan as JSON, a line for each candidate."""
    lines = [msgspec.json.encode(candidate) for candidate in plan.candidates]
    rest = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(plan, candidates=())), indent=1)
    return rest.replace(b'"candidates": []', b'"candidates": [\n  ' + b",\n  ".join(lines) + b"\n ]") + b"\n"


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
