"""The contender under test: prepared, run and read the way the harness does it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhnbench.errors import Refused, Unavailable
from fhnbench.features import check_output
from fhnbench.measure.environment import usable_cpus
from fhnbench.plugins.artifacts import uncovered
from fhnbench.plugins.contender import SolverContender, SurrogateContender, kind_of, load, request
from fhnbench.plugins.options import option_fields
from fhnbench.plugins.registry import registry
from fhnbench.problem import Problem, standard_problem
from fhnbench.testing.ensembles import calm_ensemble, read_only
from fhnbench.testing.outcome import ConformanceFailure, NotApplicable
from fhnbench.trajectories import InvalidTrajectories
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fhnbench.plugins.contender import Kind
    from fhnbench.plugins.interfaces import Execution, Runtime, Solver
    from fhnbench.plugins.registry import Entry
    from fhnbench.problem import Ensemble
    from fhnbench.workload import Output, Precision

SIZE = 1000
"""Samples that most checks use: not a multiple of any block or vector."""


@dataclass(frozen=True)
class Prepared:
    """An execution and the workload that it was prepared for."""

    execution: Execution
    workload: Workload

    def compute(self, ensemble: Ensemble, when: str = "") -> NDArray[Any]:
        """Upload, run and synchronise; return a copy of the output, as `output` does."""
        self.execution.upload(ensemble)
        self.execution.run()
        self.execution.synchronize()
        return self.output(ensemble, when)

    def output(self, ensemble: Ensemble, when: str = "") -> NDArray[Any]:
        """Return a copy of the output.

        Raises
        ------
        ConformanceFailure
            If it is not what the workload asks for, or does not begin with the states of `ensemble`; `when` begins
            the message.
        """
        try:
            return check_output(self.execution.output(), self.workload, ensemble).copy()
        except InvalidTrajectories as error:
            raise ConformanceFailure(f"{when}: {error}" if when else str(error)) from None


@dataclass(frozen=True)
class Subject:
    """A contender under test.

    Parameters
    ----------
    name
        As messages show it.
    contender
        The contender itself.
    problem
        The problem that it is tested on.
    precision
        The precision that is asked for.
    threads
        CPU threads; two where there are two, so that they can get into each other's way.
    entries
        What plugins declare of it; none for a contender that was made by hand.
    output
        What is asked for.
    """

    name: str
    contender: SolverContender | SurrogateContender
    problem: Problem
    precision: Precision = "float32"
    threads: int = field(default_factory=lambda: min(2, usable_cpus()))
    entries: tuple[Entry[Any], ...] = ()
    output: Output = "trajectories"

    @classmethod
    def of(cls, text: str, problem: Problem | None = None) -> Subject:
        """Return the subject of a contender's name, as in ``euler-cpu[dt=0.05]``.

        Parameters
        ----------
        text
            Name and options.
        problem
            Problem C if it is left out.

        Raises
        ------
        Unavailable
            If the contender cannot run on this machine, or has no artifact for the problem.
        Refused
            If its artifact was not trained for the problem.
        FhnbenchError
            If there is no such contender or option.
        """
        problem = problem or standard_problem("C")
        chosen = request(text, kind_of(text, registry()), registry())
        if not (availability := chosen.availability).available:
            raise Unavailable(str(availability))
        if chosen.output != "trajectories":
            raise Refused("trajectories are checked, and features by the check of that name; leave out output=")
        contender = load(chosen, chosen.artifact_path(problem))
        if isinstance(contender, SurrogateContender) and (outside := uncovered(contender.artifact.metadata, problem)):
            raise Refused(outside)
        return cls(chosen.label, contender, problem, chosen.precision, entries=chosen.entries)

    @property
    def kind(self) -> Kind:
        """Whether it is a solver or a surrogate."""
        return "solver" if isinstance(self.contender, SolverContender) else "surrogate"

    @property
    def plugin(self) -> Solver | Runtime:
        """The object whose fields are the options: the solver or the runtime."""
        return self.contender.solver if isinstance(self.contender, SolverContender) else self.contender.runtime

    @property
    def options(self) -> dict[str, Any]:
        """The options and their values."""
        return {field.name: getattr(self.plugin, field.name) for field in option_fields(type(self.plugin))}

    def with_options(self, **changes: Any) -> Subject:
        """Return the subject with other options; raises what the plugin raises if it does not take them."""
        plugin: Any = self.plugin  # a dataclass by contract, which its type does not say
        changed = dataclasses.replace(plugin, **changes)
        if isinstance(self.contender, SolverContender):
            return dataclasses.replace(self, contender=SolverContender(changed))
        return dataclasses.replace(self, contender=dataclasses.replace(self.contender, runtime=changed))

    def with_precision(self, precision: Precision) -> Subject:
        """Return the subject asked for another precision."""
        return dataclasses.replace(self, precision=precision)

    def require_step(self) -> float:
        """Return the option ``dt``; raises `NotApplicable` if the contender has none."""
        step = self.options.get("dt")
        if not isinstance(step, int | float):
            raise NotApplicable("it has no option dt")
        return step

    def workload(self, size: int = SIZE) -> Workload:
        """Return the workload of `size` samples."""
        return Workload.of(self.problem, size, self.precision, self.threads, self.output)

    def ensemble(self, size: int = SIZE, seed: int = 0) -> Ensemble:
        """Return an ensemble away from the threshold, in the workload's dtype, that cannot be written to."""
        return read_only(_calm(self.problem, size, seed), self.workload(size).dtype)

    def two_ensembles(self) -> tuple[Ensemble, Ensemble]:
        """Return two ensembles that differ; raises `NotApplicable` for a problem that has only one."""
        if not self.problem.varied:
            raise NotApplicable(f"all ensembles of problem {self.problem.name} are alike")
        return self.ensemble(seed=1), self.ensemble(seed=2)

    @contextlib.contextmanager
    def prepared(self, size: int = SIZE) -> Iterator[Prepared]:
        """Prepare for `size` samples; close at the end."""
        workload = self.workload(size)
        execution = self.contender.prepare(workload)
        try:
            yield Prepared(execution, workload)
        finally:
            execution.close()

    def trajectories(self, ensemble: Ensemble) -> NDArray[Any]:
        """Return the trajectories of an ensemble, computed by an execution of their own."""
        with self.prepared(ensemble.size) as prepared:
            return prepared.compute(ensemble)


@functools.cache
def _calm(problem: Problem, size: int, seed: int) -> Ensemble:
    return calm_ensemble(problem, size, seed)
