"""What is asked of a measurement, by a command or by a program: contenders, a dataset, settings, a folder."""

from __future__ import annotations

import math
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypedDict, get_args

from fhnbench.errors import FhnbenchError
from fhnbench.workload import Precision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Kind, Request
    from fhnbench.results.record import Settings

DEFAULT_SIZE = 100_000


class Measuring(TypedDict, total=False):
    """How to measure; the fields of `Settings` that may be asked for, and its defaults where they are left out."""

    precision: Precision
    threads: int | None
    rounds: int
    time_budget_s: float | None
    timeout_s: float
    seed: int
    cold: bool
    extrapolate: bool
    max_error: float | None
    frontier: bool


def contenders_of(names: Iterable[str], precision: Precision, kind: Kind | None = None) -> list[Request]:
    """Return the contenders of names and patterns, each once; solvers and surrogates alike if no kind is given."""
    from fhnbench.plugins.contender import requests_matching
    from fhnbench.plugins.registry import registry

    asked = [one for name in names for one in requests_matching(name, kind, registry(), precision)]
    return list({one.label: one for one in asked}.values())


def everything(dataset: Dataset, precision: Precision) -> list[Request]:
    """Return all contenders that can run here: solvers with their defaults, surrogates that have an artifact."""
    from fhnbench.plugins.contender import every_contender
    from fhnbench.plugins.registry import registry

    all_there = every_contender(registry(), precision)
    found = [one for one in all_there if not one.named_only and one.can_run(dataset.problem)]
    if not found:
        raise FhnbenchError("nothing can run here; `fhnbench plugins` says why")
    return found


def planned(
    requests: Sequence[Request], dataset: Dataset, given: Measuring, interpreters: Mapping[str, str]
) -> tuple[list[Request], Settings]:
    """Return what is measured and how: everything if nothing was named, all steps and artifacts of a frontier."""
    from fhnbench.measure.frontier import sweep
    from fhnbench.report.progress import reporting

    requests = list(requests) or everything(dataset, given.get("precision", "float32"))
    settings = settings_for(len(requests), given)
    if settings.frontier:
        with reporting("planning the frontier") as report:
            requests = sweep(requests, dataset.problem, settings.timeout_s, report, interpreters)
        settings = settings_for(len(requests), given)
    return requests, settings


def settings_for(contenders: int, given: Measuring) -> Settings:
    """Return settings for a number of contenders: 2 s each, at least 20, and all CPUs, unless they say otherwise.

    Raises
    ------
    FhnbenchError
        If one is unknown, of another type or out of its range.
    """
    import msgspec

    from fhnbench.measure.environment import usable_cpus
    from fhnbench.results.record import Settings

    defaults = {"time_budget_s": max(20.0, 2.0 * contenders), "threads": usable_cpus()}
    chosen = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    for name in ("threads", "rounds", "time_budget_s", "timeout_s", "max_error"):
        value = chosen.get(name, 1)
        if isinstance(value, int | float) and not 0 < value < math.inf:
            raise FhnbenchError(f"{name} is {value}; it must be positive and finite")
    if chosen.get("precision", "float32") not in (known := get_args(Precision)):
        raise FhnbenchError(f"no precision {chosen['precision']!r}; there are {', '.join(known)}")
    if unknown := set(chosen) - set(Measuring.__annotations__):
        raise FhnbenchError(f"no setting {min(unknown)!r}; there are {', '.join(Measuring.__annotations__)}")
    try:
        return msgspec.convert(chosen, Settings)
    except msgspec.ValidationError as error:
        raise FhnbenchError(f"settings: {error}") from None


def dataset_of(file: Path | None, problem: str | None, size: int | None) -> Dataset:
    """Return the dataset of a file, or the standard one, which is built if it is missing."""
    from fhnbench.dataset.reader import open_dataset
    from fhnbench.dataset.standard import standard_dataset
    from fhnbench.problem import standard_problem
    from fhnbench.report.progress import reporting

    if file is None:
        standard = standard_problem("C" if problem is None else problem)
        with reporting("building the dataset") as report:
            path = standard_dataset(standard, size or DEFAULT_SIZE, progress=report.fraction)
        return open_dataset(path, verify=False)  # which standard_dataset has done
    dataset = open_dataset(file)
    if problem is not None and problem.upper() != dataset.problem.name:
        raise FhnbenchError(f"{file}: holds problem {dataset.problem.name}, not {problem.upper()}; leave out --problem")
    if size and size > dataset.size:
        raise FhnbenchError(f"{file}: holds {dataset.size} samples, not {size}; ask for fewer with -n")
    return dataset


def output_folder(output: Path | None) -> Path:
    """Return the folder of the results, which holds no run yet; a new one below results/runs if none is named."""
    from fhnbench.results.selftest import SELFTEST_FILE
    from fhnbench.results.store import RUN_FILE

    folder = output or Path("results", "runs", datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S"))
    if any(next(folder.glob(pattern), None) for pattern in (RUN_FILE, f"*/*/{RUN_FILE}", SELFTEST_FILE)):
        raise FhnbenchError(f"{folder} holds a run already; give another --output, or remove it")
    return folder


def interrupt_on_sigterm() -> None:
    """Let SIGTERM do what Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
