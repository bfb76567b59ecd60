"""What the rules read of the analysis of a sweep: ``analysis.json`` and ``networks.csv`` of its report.

The files belong to the plugin that writes them, which may not be installed; fields that no rule reads are passed over.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench import FhnbenchError

if TYPE_CHECKING:
    from pathlib import Path

ANALYSIS_SCHEMA = "fhnbench.sweep-analysis/1"
ANALYSIS_FILE, NETWORKS_FILE = "analysis.json", "networks.csv"

SMALL, LARGE = "small", "large"
"""Groups of networks by size, as the paper divides them: below 120 neurons, and from there on."""


class Bounded(msgspec.Struct, frozen=True):
    """An estimate and its 95% interval."""

    value: float
    low: float
    high: float


class Effect(msgspec.Struct, frozen=True):
    """What a factor (``shape`` or ``size``) does: F, and its p-value adjusted for all tests of a family."""

    factor: str
    statistic: float
    p_adjusted: float


class Anova(msgspec.Struct, frozen=True):
    """An analysis of variance of a group, on the scale ``plain``, ``log`` or ``ranks``."""

    group: str
    scale: str
    effects: tuple[Effect, ...]


class Variances(msgspec.Struct, frozen=True):
    """Variances of the errors of a group between and within the classes."""

    group: str
    scale: str
    between: float
    within: float


class Spread(msgspec.Struct, frozen=True):
    """Largest error over smallest at equal neurons and layers, and from seed to seed; variances in bins of sizes."""

    sizes: int
    median: float | None
    largest: float | None
    seeds_largest: float | None
    small: float | None
    large: float | None


class Importance(msgspec.Struct, frozen=True):
    """Part of the variance of the error that is no longer predicted when a property is shuffled."""

    property: str
    loss: Bounded


class Level(msgspec.Struct, frozen=True):
    """The factor on the error of a class or an activation against the mean of all."""

    property: str
    level: str
    factor: Bounded


class Predictors(msgspec.Struct, frozen=True):
    """What predicts the error."""

    importances: tuple[Importance, ...]
    levels: tuple[Level, ...]


class Speed(msgspec.Struct, frozen=True):
    """Networks against classical methods on the device that timed them."""

    networks: int
    slower: float
    useful: float
    useful_layers: dict[int, int]
    useful_neurons: tuple[int, float, int] | None
    time_by_neurons: float | None
    time_by_layers: float | None


class Family(msgspec.Struct, frozen=True):
    """The networks of one family."""

    family: str
    trained: int
    anovas: tuple[Anova, ...]
    variances: tuple[Variances, ...]
    spread: Spread
    predictors: Predictors | None
    speed: Speed | None = None

    def effect(self, group: str, factor: str, scale: str = "plain") -> Effect | None:
        """Return the effect of a factor on a group, if it was analysed."""
        return next(
            (
                effect
                for anova in self.anovas
                for effect in anova.effects
                if (anova.group, anova.scale, effect.factor) == (group, scale, factor)
            ),
            None,
        )

    def variance(self, group: str) -> Variances | None:
        """Return the variances of a group's errors, if they were analysed."""
        return next((one for one in self.variances if (one.group, one.scale) == (group, "plain")), None)


class Network(msgspec.Struct, frozen=True):
    """A network of the sweep: its bin of sizes, its neurons and its test error."""

    family: str
    size: int
    neurons: int
    mae: float


class Problem(msgspec.Struct, frozen=True):
    """The sweep of one problem; `machine` is the device that timed its networks, if any did."""

    problem: str
    candidates: int
    families: tuple[Family, ...]
    machine: str = ""
    networks: tuple[Network, ...] = ()

    def family(self, name: str) -> Family | None:
        """Return what there is of a family."""
        return next((one for one in self.families if one.family == name), None)


class Step(msgspec.Struct, frozen=True):
    """The factor on the error of the same architectures from a problem to the next."""

    family: str
    simpler: str
    harder: str
    factor: Bounded


class Analysis(msgspec.Struct, frozen=True):
    """The analysis of the sweeps of some problems."""

    created: str
    command: str
    environment: dict[str, Any]
    problems: tuple[Problem, ...]
    steps: tuple[Step, ...]


def read_analysis(folder: Path) -> Analysis:
    """Read the analysis in the folder of a report, with the networks where they lie beside it.

    Raises
    ------
    FhnbenchError
        If it cannot be read, is of another schema, or a field is missing or of the wrong type.
    """
    file = folder / ANALYSIS_FILE
    try:
        content = file.read_bytes()
        schema = msgspec.json.decode(content, type=dict[str, Any]).get("schema")
        if schema != ANALYSIS_SCHEMA:
            raise FhnbenchError(f"{file}: schema {schema!r}; this version reads {ANALYSIS_SCHEMA!r}")
        analysis = msgspec.json.decode(content, type=Analysis)
    except OSError as error:
        raise FhnbenchError(f"{file}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"{file}: not the analysis of a sweep: {error}") from None
    networks = _networks(folder / NETWORKS_FILE)
    problems = (
        msgspec.structs.replace(problem, networks=tuple(networks.get(problem.problem, ())))
        for problem in analysis.problems
    )
    return msgspec.structs.replace(analysis, problems=tuple(problems))


def _networks(file: Path) -> dict[str, list[Network]]:
    """Return the networks of each problem, without repeats with other seeds; nothing if there is no file."""
    if not file.exists():
        return {}
    found: dict[str, list[Network]] = {}
    try:
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                if row["repeat"] == "False":
                    network = msgspec.convert(row, Network, strict=False)
                    found.setdefault(row["problem"], []).append(network)
    except (KeyError, ValueError) as error:
        raise FhnbenchError(f"{file}: not the networks of a sweep: {error}") from None
    return found
