"""Standard datasets: files whose name says what they hold, built when they are first needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fhnbench.dataset.layout import REMEDY, InvalidDataset
from fhnbench.dataset.reader import open_dataset
from fhnbench.dataset.spec import EVALUATION_SEED, DatasetSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench.problem import Problem, Sampling


def dataset_folder() -> Path:
    """Return the folder of standard datasets: FHNBENCH_DATASETS, or ``datasets`` below the current folder."""
    return Path(os.environ.get("FHNBENCH_DATASETS") or "datasets")


def standard_dataset(
    problem: Problem,
    size: int,
    *,
    sampling: Sampling = "uniform",
    seed: int = EVALUATION_SEED,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Return the file of a standard dataset: built if it is missing, verified if it is there.

    Parameters
    ----------
    problem, size, sampling, seed
        What the dataset is sampled from; see `Problem.sample`.
    folder
        Where it lies; by default that of the environment variable FHNBENCH_DATASETS, or ``datasets``.
    progress
        Called now and then with the share of the building that is done, from 0 to 1.

    Raises
    ------
    InvalidDataset
        If the file is there but damaged, or holds something else; it is left as it is.
    FhnbenchError
        If it cannot be built; see `build_dataset`.
    """
    spec = DatasetSpec(problem, size, sampling, seed)
    path = (dataset_folder() if folder is None else folder) / spec.filename
    if not path.exists():
        from fhnbench.dataset.build import build_dataset

        build_dataset(spec, path, progress=progress)
    elif (found := open_dataset(path).spec) != spec:
        raise InvalidDataset(f"{path}: is not what its name says but {found.filename}; {REMEDY}")
    return path
