"""What commands that measure are asked for: contenders, a dataset, a folder."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Request
    from fhnbench.workload import Precision

DEFAULT_SIZE = 100_000


def contenders_of(names: Sequence[str], precision: Precision) -> list[Request]:
    """Return the contenders of names, solvers and surrogates alike, each once."""
    from fhnbench.plugins.contender import kind_of, request
    from fhnbench.plugins.registry import registry

    asked = [request(name, kind_of(name, registry()), registry(), precision) for name in names]
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


def dataset_of(file: Path | None, problem: str | None, size: int | None) -> Dataset:
    """Return the dataset of a file, or the standard one, which is built if it is missing."""
    from fhnbench.dataset.reader import open_dataset
    from fhnbench.dataset.standard import standard_dataset
    from fhnbench.problem import standard_problem
    from fhnbench.report.progress import reporting

    if file is None:
        with reporting("building the dataset") as report:
            path = standard_dataset(standard_problem(problem or "C"), size or DEFAULT_SIZE, progress=report.fraction)
        return open_dataset(path, verify=False)  # which standard_dataset has done
    dataset = open_dataset(file)
    if problem and problem.upper() != dataset.problem.name:
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
