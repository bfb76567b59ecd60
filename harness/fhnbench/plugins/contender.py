"""A contender: a solver with its options, or a surrogate family, an artifact and a runtime with its options."""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from fhnbench.artifact import Artifact, load_artifact
from fhnbench.errors import FhnbenchError, Unavailable
from fhnbench.plugins.artifacts import SELECTORS, select_artifact
from fhnbench.plugins.options import build, format_contender, parse_contender
from fhnbench.plugins.registry import suggestion
from fhnbench.plugins.specs import Availability, RuntimeSpec, SolverSpec, SurrogateSpec, import_target

if TYPE_CHECKING:
    from pathlib import Path

    from fhnbench.plugins.interfaces import Cost, Execution, Runtime, Solver, SurrogateFamily
    from fhnbench.plugins.registry import Entry, Registry
    from fhnbench.problem import Problem
    from fhnbench.workload import Output, Precision, Workload

Kind = Literal["solver", "surrogate"]

COMMON_OPTIONS = ("precision", "output")


@dataclass(frozen=True)
class Request:
    """A contender as a user names it; nothing of a plugin's code has been imported.

    Parameters
    ----------
    name
        The bare name.
    kind
        ``solver`` or ``surrogate``.
    precision
        The precision that this contender asks for.
    options
        The plugin's own options, as text.
    selectors
        For a surrogate: what to select its artifact by (``hidden``, ``activation``, ``recipe``, ``artifact``).
    entries
        The solver's entry, or the family's and the runtime's.
    absent
        Why there are no entries, if no plugin provides the contender.
    output
        What this contender is asked for.
    """

    name: str
    kind: Kind
    precision: Precision
    options: dict[str, str]
    selectors: dict[str, str] = field(default_factory=dict)
    entries: tuple[Entry[SolverSpec] | Entry[SurrogateSpec] | Entry[RuntimeSpec], ...] = ()
    absent: str = ""
    output: Output = "trajectories"

    @property
    def label(self) -> str:
        """The contender as it is shown and recorded: name, selectors and options, common ones unless by default."""
        common: dict[str, str] = {} if self.precision == "float32" else {"precision": self.precision}
        common |= {} if self.output == "trajectories" else {"output": self.output}
        return format_contender(self.name, {**self.selectors, **self.options, **common})

    @property
    def named_only(self) -> bool:
        """Whether a run without names leaves it out."""
        return any(entry.spec.named_only for entry in self.entries)

    @property
    def distributions(self) -> set[str]:
        """The distributions that declare it, and those that it needs, which mostly have the names of their modules."""
        needed = {module.replace(".", "-") for entry in self.entries for module in entry.spec.requires}
        return needed | {entry.plugin.distribution for entry in self.entries}

    @property
    def availability(self) -> Availability:
        """Whether every part can run on this machine."""
        if self.absent:
            return Availability(False, self.absent)
        for entry in self.entries:
            if not (availability := entry.availability).available:
                return availability
        return Availability(True)

    def can_run(self, problem: Problem) -> bool:
        """Return whether the parts are available and, for a surrogate, an artifact fits the problem."""
        if not self.availability.available:
            return False
        try:
            self.artifact_path(problem)
        except Unavailable:
            return False
        return True

    def artifact_path(self, problem: Problem) -> Path | None:
        """Return the file of the artifact to evaluate; None for a solver.

        Raises
        ------
        FhnbenchError
            If no artifact fits; the message holds the command that trains one.
        """
        if self.kind == "solver":
            return None
        return select_artifact(cast("Entry[SurrogateSpec]", self.entries[0]), problem, self.selectors)


def request(text: str, kind: Kind, registry: Registry, precision: Precision = "float32") -> Request:
    """Read what a user typed.

    Parameters
    ----------
    text
        ``euler-cpu[dt=0.05]`` or ``ddnn-torch[hidden=64x64]``.
    kind
        Whether a solver or a surrogate is meant.
    registry
        Where names are looked up.
    precision
        The precision, unless the options give one.

    Raises
    ------
    FhnbenchError
        If there is no such contender.
    """
    name, options = parse_contender(text)
    precision = cast("Precision", options.pop("precision", precision))
    output = cast("Output", options.pop("output", "trajectories"))
    if kind == "solver":
        return Request(name, kind, precision, options, {}, (registry.find(SolverSpec, name),), output=output)
    family, hyphen, runtime = name.rpartition("-")
    if not hyphen:
        raise FhnbenchError(f"surrogate {name!r} is not of the form FAMILY-RUNTIME, as in ddnn-cpu")
    entries = registry.find(SurrogateSpec, family), registry.find(RuntimeSpec, runtime)
    selectors = {key: options.pop(key) for key in SELECTORS if key in options}
    return Request(name, kind, precision, options, selectors, entries, output=output)


def request_or_absent(text: str, kind: Kind, registry: Registry, precision: Precision = "float32") -> Request:
    """Read what a user typed, as `request` does; what no installed plugin provides becomes a request that cannot run.

    That is a known method or family on a backend or runtime that is not there (``euler-cuda`` without its plugin); it
    gets its row in the table. A name that is close to one that is there is taken for a slip, and is an error.
    """
    try:
        return request(text, kind, registry, precision)
    except FhnbenchError as error:
        name, options = parse_contender(text)
        method, _, backend = name.rpartition("-")
        pairs = [entry.spec.name.rpartition("-") for entry in registry.entries(SolverSpec)]
        if kind == "solver":
            methods, backends = {pair[0] for pair in pairs}, {pair[2] for pair in pairs}
        else:
            methods = {entry.spec.name for entry in registry.entries(SurrogateSpec)}
            backends = {entry.spec.name for entry in registry.entries(RuntimeSpec)}
        if method not in methods or backend in backends or difflib.get_close_matches(backend, backends, cutoff=0.7):
            raise
        absent = f"no installed plugin provides {backend!r}; install one that does ({error})"
        return Request(name, kind, precision, options, absent=absent)


def requests_matching(
    text: str, kind: Kind | None, registry: Registry, precision: Precision = "float32"
) -> list[Request]:
    """Read what a user typed: one contender, as `request_or_absent` does, or all that a pattern matches.

    ``*`` stands for any characters, ``?`` for one; options hold for each contender that matches
    (``euler-*[dt=0.05]``). Contenders that cannot run are among them. Without a kind, solvers and surrogates are.

    Raises
    ------
    FhnbenchError
        If there is no such contender, or nothing matches.
    """
    pattern, options = parse_contender(text)
    if not set(pattern) & set("*?"):
        if kind and (other := _declared_kind(pattern, registry)) not in {None, kind}:
            raise FhnbenchError(f"{pattern!r} is a {other}, not a {kind}; give it with --{other}")
        return [request_or_absent(text, kind or kind_of(text, registry), registry, precision)]
    there = [one for one in every_contender(registry, precision) if kind in {None, one.kind}]
    matching = [one for one in there if fnmatch.fnmatch(one.name, pattern)]
    if not matching:
        listed = suggestion(pattern, [one.name for one in there], "fhnbench plugins")
        raise FhnbenchError(f"no {kind or 'contender'} matches {pattern!r}; {listed}")
    return [request(format_contender(one.name, options), one.kind, registry, precision) for one in matching]


def every_contender(registry: Registry, precision: Precision = "float32") -> list[Request]:
    """Return every solver, and every pair of family and runtime, without options; names that clash are left out."""
    found = [
        Request(entry.spec.name, "solver", precision, {}, {}, (entry,))
        for entry in registry.entries(SolverSpec)
        if not registry.clashes(SolverSpec, entry.spec.name)
    ]
    for family in registry.entries(SurrogateSpec):
        for runtime in registry.entries(RuntimeSpec):
            if not registry.clashes(SurrogateSpec, family.spec.name) and not registry.clashes(
                RuntimeSpec, runtime.spec.name
            ):
                name = f"{family.spec.name}-{runtime.spec.name}"
                found.append(Request(name, "surrogate", precision, {}, {}, (family, runtime)))
    return found


def kind_of(text: str, registry: Registry) -> Kind:
    """Return whether a name is a solver's or a surrogate's; for commands that take both.

    Raises
    ------
    FhnbenchError
        If it is neither; the message gives the closest.
    """
    name, _ = parse_contender(text)
    if found := _declared_kind(name, registry):
        return found
    names = [contender.name for contender in every_contender(registry)]
    raise registry.unknown("contender", name, names)


def _declared_kind(name: str, registry: Registry) -> Kind | None:
    """Return what a bare name is declared to be, if it is."""
    if any(entry.spec.name == name for entry in registry.entries(SolverSpec)):
        return "solver"
    family, _, runtime = name.rpartition("-")
    if any(entry.spec.name == family for entry in registry.entries(SurrogateSpec)) and any(
        entry.spec.name == runtime for entry in registry.entries(RuntimeSpec)
    ):
        return "surrogate"
    return None


@dataclass(frozen=True)
class SolverContender:
    """A solver with its options."""

    solver: Solver

    @property
    def plugin(self) -> Solver:
        """The object whose fields are the options."""
        return self.solver

    def prepare(self, workload: Workload) -> Execution:
        """Prepare the solver; raises `Refused` if it cannot put out what is asked for."""
        workload.require_output(*self.solver.outputs)
        return self.solver.prepare(workload)

    def cost(self, workload: Workload) -> Cost:
        """Return what the solver declares."""
        return self.solver.cost(workload)


@dataclass(frozen=True)
class SurrogateContender:
    """A surrogate family, one of its artifacts, and a runtime with its options."""

    family: SurrogateFamily
    artifact: Artifact
    runtime: Runtime

    @property
    def plugin(self) -> Runtime:
        """The object whose fields are the options."""
        return self.runtime

    def prepare(self, workload: Workload) -> Execution:
        """Prepare the runtime for the artifact; raises `Refused` if it cannot put out what is asked for."""
        workload.require_output(*self.runtime.outputs)
        return self.runtime.prepare(self.family, self.artifact, workload)

    def cost(self, workload: Workload) -> Cost:
        """Return what the runtime declares."""
        return self.runtime.cost(self.artifact, workload)


def load(chosen: Request, artifact: Path | None = None) -> SolverContender | SurrogateContender:
    """Import a contender's plugin and construct it.

    Raises
    ------
    InvalidOptions
        If the options do not fit.
    Unavailable
        If the plugin's code does not import.
    InvalidArtifact
        If the artifact is damaged.
    """
    if chosen.kind == "solver":
        solver = import_target(chosen.entries[0].spec.target)
        return SolverContender(build(chosen.name, solver, chosen.options, also=COMMON_OPTIONS))
    if artifact is None:
        raise FhnbenchError(f"{chosen.name}: a surrogate needs an artifact")
    family, runtime = (import_target(entry.spec.target) for entry in chosen.entries)
    return SurrogateContender(
        family(),
        load_artifact(artifact),
        build(chosen.name, runtime, chosen.options, also=(*COMMON_OPTIONS, *SELECTORS)),
    )
