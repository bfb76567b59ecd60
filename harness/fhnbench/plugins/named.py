"""What plugins provide, by the names that users type: for experiments, notebooks and other plugins."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fhnbench.errors import Unavailable
from fhnbench.plugins.artifacts import select_artifact
from fhnbench.plugins.contender import kind_of, load, request
from fhnbench.plugins.options import build
from fhnbench.plugins.registry import registry
from fhnbench.plugins.specs import Availability, SurrogateSpec, import_target
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fhnbench.plugins.interfaces import SurrogateFamily
    from fhnbench.problem import Ensemble, Problem
    from fhnbench.workload import Precision


def surrogate_family(name: str, options: Mapping[str, str] = MappingProxyType({})) -> SurrogateFamily:
    """Return a surrogate family.

    Parameters
    ----------
    name
        ``ddnn``, ``pinn``, ``itnn`` or another that is installed.
    options
        The family's own options, as text.

    Raises
    ------
    FhnbenchError
        If there is no such family or option.
    Unavailable
        If the family cannot be used here; the message says why and what to do.
    """
    entry = registry().find(SurrogateSpec, name)
    if not entry.availability.available:
        raise Unavailable(f"{name}: {entry.availability}")
    family: SurrogateFamily = build(name, import_target(entry.spec.target), options)
    return family


def artifact_file(family: str, problem: Problem, selectors: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Return the file of the artifact that `fhnbench run` evaluates for a problem.

    Parameters
    ----------
    family
        The surrogate family.
    problem
        What it was trained for.
    selectors
        What to select by: ``hidden`` (``64x64``), ``activation``, ``recipe``.

    Raises
    ------
    FhnbenchError
        If there is no such family.
    Unavailable
        If no artifact fits; the message holds the command that trains one.
    """
    return select_artifact(registry().find(SurrogateSpec, family), problem, selectors)


def contender_availability(contender: str, problem: Problem) -> Availability:
    """Return whether a contender can run here, and if not, why and what to do; nothing is imported or prepared.

    Parameters
    ----------
    contender
        Name and options, as ``euler-cpu[dt=0.05]`` or ``ddnn-cpu[hidden=64x64]``.
    problem
        What a surrogate's artifact must have been trained for.

    Raises
    ------
    FhnbenchError
        If there is no such contender.
    """
    chosen = request(contender, kind_of(contender, registry()), registry())
    try:
        if chosen.availability.available:
            chosen.artifact_path(problem)
    except Unavailable as reason:
        return Availability(False, str(reason))
    return chosen.availability


def contender_trajectories(
    contender: str, problem: Problem, ensemble: Ensemble, precision: Precision = "float32", threads: int = 1
) -> NDArray[Any]:
    """Let a contender compute an ensemble once, in this process and untimed.

    Parameters
    ----------
    contender
        Name and options, as ``euler-cpu[dt=0.05]`` or ``ddnn-cpu[hidden=64x64]``; a surrogate's artifact is chosen as
        `fhnbench run` chooses it.
    problem
        Gives the save points.
    ensemble
        Initial-value problems.
    precision
        Precision, unless the options give one.
    threads
        CPU threads that may be used.

    Returns
    -------
    ndarray
        ``states[T, 2, N]``, float64 for the precision float64, else float32; ``features[F, N]`` where the contender is
        named with ``output=features``.

    Raises
    ------
    FhnbenchError
        If there is no such contender, it refuses, or no artifact fits the problem.
    """
    chosen = request(contender, kind_of(contender, registry()), registry(), precision)
    if not chosen.availability.available:
        raise Unavailable(f"{chosen.label}: {chosen.availability}")
    workload = Workload.of(problem, ensemble.size, chosen.precision, threads, chosen.output)
    execution = load(chosen, chosen.artifact_path(problem)).prepare(workload)
    try:
        execution.upload(ensemble.astype(workload.dtype))
        execution.run()
        execution.synchronize()
        return execution.output().copy()
    finally:
        execution.close()
