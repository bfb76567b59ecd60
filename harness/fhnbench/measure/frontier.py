"""The frontier of a run: which steps of a solver and which artifacts of a surrogate are measured.

Steps are chosen so that a method's errors, by its order, span those that the surrogates' artifacts record; the step
that a solver has by default is among them. After the first pass the step at which the cheapest method should have a
surrogate's error is measured too.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import TYPE_CHECKING, cast

from fhnbench.artifact import load_metadata
from fhnbench.errors import FhnbenchError, Unavailable
from fhnbench.measure import protocol
from fhnbench.measure.interpreter import interpreter_of
from fhnbench.measure.process import WorkerLost, WorkerProcess, WorkerTimeout
from fhnbench.plugins.artifacts import SELECTORS, fitting_artifacts
from fhnbench.plugins.options import format_contender, parse_contender
from fhnbench.results.claims import comparisons, matched_between
from fhnbench.results.front import curves, options_of, swept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fhnbench.plugins.contender import Request
    from fhnbench.plugins.interfaces import Sweep
    from fhnbench.plugins.registry import Entry
    from fhnbench.plugins.specs import SurrogateSpec
    from fhnbench.problem import Problem
    from fhnbench.results.record import Row, RunRecord

ERRORS = (1e-4, 1e-2)
"""The errors that are spanned where no surrogate says which."""

BEYOND = 3.0
"""By this factor the errors reach beyond those of the surrogates, and so far apart they are."""

ERROR_OF_UNIT_STEP = 0.05
"""About the mean error of a method with a step of one time unit, were it in the regime of its order."""

_NICE = sorted(2.0**two * 5.0**five for two in range(16) for five in range(7))
"""Numbers of steps a time unit whose steps are short decimals."""


def sweep(
    requests: Sequence[Request],
    problem: Problem,
    timeout_s: float,
    report: Callable[[str, float], None] = lambda _what, _fraction: None,
    interpreters: Mapping[str, str] | None = None,
) -> list[Request]:
    """Return the contenders of a frontier: solvers with several steps, surrogates with each artifact.

    Parameters
    ----------
    requests
        Contenders; those that name a step or an artifact are taken as they are.
    problem
        The problem of the run.
    timeout_s
        Most time for a solver to say what it sweeps.
    report
        Called with what is going on and the fraction that is done.
    interpreters
        Other Python interpreters, by patterns of the solvers that run in them.

    Raises
    ------
    FhnbenchError
        If a contender is asked for something else than trajectories, whose errors a frontier is made of.
    """
    if others := [one.label for one in requests if one.output != "trajectories"]:
        raise FhnbenchError(f"--frontier compares errors of trajectories; leave out {', '.join(others)}")
    surrogates = [each for one in requests if one.kind == "surrogate" for each in _artifacts(one, problem)]
    errors = _recorded_errors(surrogates, problem)
    solvers = [one for one in requests if one.kind == "solver"]
    swept_solvers: list[Request] = []
    for number, one in enumerate(solvers):
        report(f"asking {one.name} for its steps", number / len(solvers))
        described = _describe(one, timeout_s, interpreter_of(one.name, interpreters or {}))
        swept_solvers += _solver(one, problem, errors, described)
    return [*swept_solvers, *surrogates]


def confirmations(record: RunRecord) -> list[tuple[str, str]]:
    """Return contenders to measure, each with the surrogate whose error it should just reach.

    They lie where the cheapest method's frontier was interpolated; where the option's value is a step, on the next one
    that divides the save interval.
    """
    found = []
    for row, solvers in comparisons(record):
        place = matched_between(row, solvers)
        if place is not None and place.setting is not None:
            option, value = place.setting
            found.append((_contender(place.before.row, option, _next(value, record, place.before.row)), row.contender))
    return found


def steps(order: int, default: float, save_interval: float, errors: tuple[float, float]) -> list[float]:
    """Return steps that divide a save interval and whose errors span a range, from long to short.

    Parameters
    ----------
    order
        Order of convergence.
    default
        A step that is among them.
    save_interval
        Distance of save points in time units.
    errors
        The smallest and the largest error.
    """
    low, high = errors[0] / BEYOND, errors[1] * BEYOND
    count = math.ceil(math.log(high / low) / math.log(BEYOND)) + 1
    targets = [high * (low / high) ** (k / (count - 1)) for k in range(count)]
    numbers = {_nearest(save_interval * (ERROR_OF_UNIT_STEP / error) ** (1 / order)) for error in targets}
    found = {float(f"{save_interval / number:.12g}") for number in numbers}
    if default > 0 and not any(math.isclose(default, step, rel_tol=1e-6) for step in found):
        found.add(default)
    return sorted(found, reverse=True)


def _solver(
    one: Request, problem: Problem, errors: tuple[float, float], described: protocol.Described | None
) -> Iterator[Request]:
    if described is None or described.sweep is None or described.sweep.option in one.options:
        yield one  # what cannot be asked has its row, which says why
        return
    default = float(described.options[described.sweep.option])
    for value in _values(described.sweep, described.order or 1, default, problem, errors):
        yield dataclasses.replace(one, options={**one.options, described.sweep.option: f"{value:.12g}"})


def _values(declared: Sweep, order: int, default: float, problem: Problem, errors: tuple[float, float]) -> list[float]:
    if declared.values:
        return sorted({*declared.values, default}, reverse=True)
    return steps(order, default, problem.save_interval, errors)


def _describe(one: Request, timeout_s: float, interpreter: str | None) -> protocol.Described | None:
    if not (interpreter or one.availability.available):
        return None
    asked = protocol.Describe(format_contender(one.name, one.options), one.kind)
    try:
        with WorkerProcess(1, protocol.WORKER, protocol.replies, interpreter or sys.executable) as worker:
            reply = worker.ask(asked, timeout_s)
    except (WorkerLost, WorkerTimeout):
        return None
    return reply if isinstance(reply, protocol.Described) else None


def _artifacts(one: Request, problem: Problem) -> Iterator[Request]:
    """Yield a surrogate with each of its artifacts, selected by as little as tells them apart."""
    found = (
        []
        if one.absent or one.selectors
        else fitting_artifacts(cast("Entry[SurrogateSpec]", one.entries[0]), problem, {})
    )
    selectors: list[dict[str, str]] = []
    for _, _, metadata in found:
        told = {key: say(metadata) for key, say in SELECTORS.items() if key != "artifact"}
        if told not in selectors:
            selectors.append(told)
    telling: list[str] = []
    for key in SELECTORS:
        apart = len({tuple(told[name] for name in telling) for told in selectors}) == len(selectors)
        if key != "artifact" and not apart and len({told[key] for told in selectors}) > 1:
            telling.append(key)
    for told in selectors:
        yield dataclasses.replace(one, selectors={key: told[key] for key in telling if told[key]})
    if not selectors:
        yield one


def _recorded_errors(surrogates: Sequence[Request], problem: Problem) -> tuple[float, float]:
    found = []
    for one in surrogates:
        try:
            path = one.artifact_path(problem) if one.availability.available else None
        except Unavailable:
            continue
        error = load_metadata(path).validation.get("mae") if path else None
        if error and math.isfinite(error):
            found.append(error)
    # Whatever errs more than a hundredth is compared with the cheapest step there is; longer ones may not be stable.
    largest = ERRORS[1] / BEYOND
    return (min(*found, largest), min(max(found), largest)) if found else ERRORS


def _next(value: float, record: RunRecord, row: Row) -> float:
    """Return the next value below that is possible: a whole number of steps, if measured ones are."""
    interval = record.problem.save_interval
    curve = next(curve for curve in curves(record.rows) if any(point.row is row for point in curve))
    values = [float(options_of(point.row)[swept(row)]) for point in curve]
    if all(abs(interval / step - round(interval / step)) < 1e-6 * interval / step for step in values):
        return interval / math.ceil(interval / value * (1 - 1e-9))
    return value


def _contender(row: Row, option: str, value: float) -> str:
    name, options = parse_contender(row.contender)
    return format_contender(name, {**options, option: f"{value:.12g}"})


def _nearest(number: float) -> float:
    return min(_NICE, key=lambda nice: abs(math.log(nice / number)))
