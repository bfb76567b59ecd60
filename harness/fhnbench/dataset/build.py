"""Building a dataset: sample, integrate, show that the reference has converged, write the file whole."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fhnbench
from fhnbench.dataset.layout import FORMAT, FORMAT_VERSION, LONG_NAMES, UNITS, content_digest, states_chunks
from fhnbench.dataset.reader import Dataset, open_dataset
from fhnbench.errors import FhnbenchError
from fhnbench.files import replacing
from fhnbench.problem import VARIABLES
from fhnbench.reference import Diverged, integrate, reference_trajectories

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import h5py

    from fhnbench.dataset.spec import DatasetSpec
    from fhnbench.problem import Ensemble, Problem

_COARSE_STEP = 0.01
"""The largest step that the reference is compared with; its own is half of it."""

_CONVERGED = 1e-8
_MOST_HALVINGS = 6
_BLOCK_CHUNKS = 8


def build_dataset(
    spec: DatasetSpec,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Dataset:
    """Sample an ensemble, integrate it, and write it with its reference trajectories to a file.

    The reference is float64 RK4. Its step is 0.005 time units, or the next smaller one that fits the save interval,
    and is halved until the last halving changed a pilot sample by less than 1e-8 on average. Samples are integrated
    and written in blocks, so memory does not grow with the trajectories.

    Parameters
    ----------
    spec
        What to build.
    path
        The file to write; it appears when it is complete.
    overwrite
        Whether to replace an existing file.
    progress
        Called now and then with the share that is done, from 0 to 1.

    Returns
    -------
    Dataset
        The new dataset, open.

    Raises
    ------
    FhnbenchError
        If the file exists, cannot be written or is larger than the space that is left; if the samples do not make a
        grid, or SciPy is missing for Sobol points; or if the model is too stiff for the integrators.
    """
    path = Path(path)
    with replacing(path) as temporary:
        if path.is_dir():
            raise FhnbenchError(f"{path} is a folder; give the name of a file")
        if path.exists() and not overwrite:
            raise FhnbenchError(f"{path} exists; give another output, or overwrite it (--overwrite)")
        _require_space(temporary.parent, spec.trajectory_bytes)
        _write(temporary, spec, progress)
    return open_dataset(path, verify=False)


def converged_step(problem: Problem, ensemble: Ensemble) -> float:
    """Return a step of RK4 such that doubling it changes a pilot sample of the ensemble by less than 1e-8 on average.

    Raises
    ------
    FhnbenchError
        If the model is too stiff for any reasonable step.
    """
    pilot = ensemble[:: -(-ensemble.size // 1024)]
    substeps = 2 * math.ceil(problem.save_interval / _COARSE_STEP - 1e-9)
    for halvings in range(1 + _MOST_HALVINGS):
        dt = problem.save_interval / (substeps << halvings)
        with contextlib.suppress(Diverged):
            if reference_trajectories(problem, pilot, dt)[1].mean_change < _CONVERGED:
                return dt
    raise FhnbenchError(f"the reference does not converge for {ensemble.model}, even with a step of {dt:g}: too stiff")


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FhnbenchError(
            f"a dataset of this size takes {needed / 1e9:.3g} GB, and {folder} has {free / 1e9:.3g} GB left; "
            f"ask for fewer samples or save points, or another output"
        )


def _write(path: Path, spec: DatasetSpec, progress: Callable[[float], None] | None) -> None:
    import h5py

    problem, ensemble = spec.problem, spec.sample()
    dt = converged_step(problem, ensemble)
    # Files of this version of HDF5's format carry check sums of everything but the arrays, which the digest covers.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        _describe(file, spec)
        for variable in VARIABLES:
            _create(file, f"/inputs/{variable}", data=getattr(ensemble, variable))
        _create(file, "/times", data=problem.times)
        shape = {"shape": (problem.save_points, 2, spec.size), "chunks": states_chunks(spec.size)}
        reference = _create(file, "/reference/states", **shape)
        training = None if spec.training_dt is None else _create(file, "/training/states", **shape)

        mean = largest = 0.0
        for samples in _blocks(spec.size, progress):
            part = ensemble[samples]
            reference[:, :, samples], evidence = reference_trajectories(problem, part, dt)
            mean += evidence.mean_change * part.size / spec.size
            largest = max(largest, evidence.max_change)
            if training is not None and spec.training_dt is not None:
                training[:, :, samples] = integrate(problem, part, spec.training_dt, "euler")

        _set(reference.parent, method=evidence.method, dt=dt, mean_change=mean, max_change=largest, error_floor=mean)
        if training is not None:
            _set(training.parent, method="euler", dt=spec.training_dt)
        _set(file, content_sha256=content_digest(file))


def _describe(file: h5py.File, spec: DatasetSpec) -> None:
    """Write who wrote the file and what it is about."""
    _set(
        file,
        format=FORMAT,
        format_version=FORMAT_VERSION,
        package_version=fhnbench.__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    problem = spec.problem
    ranges = {f"{variable}_range": getattr(problem, variable) for variable in VARIABLES}
    _set(
        file.create_group("problem"),
        name=problem.name,
        **ranges,
        horizon=problem.horizon,
        save_interval=problem.save_interval,
    )
    _set(
        file.create_group("model"),
        equations="du/dt = c (u - u^3/3 - w) + i_app; dw/dt = (u + a - b w) / tau",
        **dataclasses.asdict(problem.model),
    )
    _set(file.create_group("inputs"), sampling=spec.sampling, seed=spec.seed)


def _create(file: h5py.File, path: str, **options: Any) -> h5py.Dataset:
    array = file.create_dataset(path, dtype="<f8", **options)
    _set(array, units=UNITS, long_name=LONG_NAMES[path])
    return array


def _set(item: h5py.HLObject, **attributes: str | float | tuple[float, float] | None) -> None:
    """Write attributes as fixed-length ASCII text, int64 or float64."""
    for name, value in attributes.items():
        if isinstance(value, str):
            item.attrs[name] = np.bytes_(value)
        else:
            item.attrs[name] = np.asarray(value, "<i8" if isinstance(value, int) else "<f8")


def _blocks(size: int, progress: Callable[[float], None] | None) -> Iterator[slice]:
    """Yield whole chunks of samples, 32,768 to 65,536 of them."""
    step = _BLOCK_CHUNKS * states_chunks(size)[2]
    for start in range(0, size, step):
        stop = min(size, start + step)
        yield slice(start, stop)
        if progress is not None:
            progress(stop / size)
