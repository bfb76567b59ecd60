"""Opening a dataset: its claims are checked, its arrays are read as they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np

from fhnbench.dataset.checked import opened
from fhnbench.dataset.layout import FORMAT, FORMAT_VERSION, REMEDY, InvalidDataset, content_digest
from fhnbench.dataset.spec import DatasetSpec
from fhnbench.errors import FhnbenchError
from fhnbench.evidence import ReferenceEvidence
from fhnbench.problem import VARIABLES, Ensemble, FitzHughNagumo, Problem, Sampling

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench.dataset.checked import CheckedFile


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A dataset on disk: what it says of itself and its inputs in memory, its trajectories read when asked for.

    It holds no open file, so it can be sent to other processes, and any number of them may read at once. Use
    `open_dataset`.

    Parameters
    ----------
    path
        The file.
    spec
        What it was made from.
    ensemble
        The initial-value problems, float64.
    evidence
        Method and step of the reference, and what shows its convergence.
    error_floor
        Mean absolute error that the reference itself may have: a smaller MAE says nothing.
    digest
        SHA-256 of the content, as hexadecimal digits.
    created, package_version
        When (ISO 8601, UTC) and by which version of fhnbench the file was written.
    """

    path: Path
    spec: DatasetSpec
    ensemble: Ensemble
    evidence: ReferenceEvidence
    error_floor: float
    digest: str
    created: str
    package_version: str

    @property
    def problem(self) -> Problem:
        """The problem that the ensemble was sampled from."""
        return self.spec.problem

    @property
    def size(self) -> int:
        """Number of samples, N."""
        return self.spec.size

    @property
    def sampling(self) -> Sampling:
        """How the ensemble was sampled."""
        return self.spec.sampling

    @property
    def seed(self) -> int:
        """Seed of the sampling."""
        return self.spec.seed

    def reference(self, samples: slice = slice(None), points: slice = slice(None)) -> NDArray[np.float64]:
        """Read reference trajectories: float64 ``states[points, 2, samples]``.

        Parameters
        ----------
        samples, points
            Which samples and which save points; slices of step 1, with NumPy's meaning.

        Raises
        ------
        InvalidDataset
            If the file cannot be read, or is not the one that was opened.
        """
        return self._states("/reference/states", samples, points)

    def training_states(self, samples: slice = slice(None), points: slice = slice(None)) -> NDArray[np.float64] | None:
        """Read the Euler trajectories stored for training, as `reference` does, or return None if there are none."""
        return None if self.spec.training_dt is None else self._states("/training/states", samples, points)

    def _states(self, path: str, samples: slice, points: slice) -> NDArray[np.float64]:
        bounds = [part.indices(length) for part, length in ((points, self.problem.save_points), (samples, self.size))]
        if any(step != 1 for _, _, step in bounds):
            raise ValueError(f"samples {samples} and points {points} must have step 1")
        (first, last, _), (start, stop, _) = bounds
        with opened(self.path) as content:
            if content.text("/", "content_sha256") != self.digest:
                raise InvalidDataset(f"{self.path}: was replaced since it was opened; open it again")
            array = content.array(path, (self.problem.save_points, 2, self.size))
            states = array[first : max(first, last), :, start : max(start, stop)]
            return np.asarray(states, np.float64)


def open_dataset(
    path: str | os.PathLike[str], verify: bool = True, progress: Callable[[float], None] | None = None
) -> Dataset:
    """Open a dataset and check it.

    Parameters
    ----------
    path
        The file.
    verify
        Whether to read the trajectories too: that they are finite, and that the digest is that of the content.
        Everything else (version, types, shapes, units, ranges, times, the first save point) is always checked.
    progress
        Called now and then with the share that is verified, from 0 to 1.

    Raises
    ------
    InvalidDataset
        If the file is missing, is not HDF5, is truncated or damaged, is of another version, lacks a part, or
        contradicts itself. The message is one line with the file, the place and the remedy.
    """
    path = Path(path)
    with opened(path) as content:
        _check_version(content)
        dataset = _read(content)
        _check_first_point(content, dataset)
        if verify:
            _verify(content, dataset, progress)
        return dataset


def _check_version(content: CheckedFile) -> None:
    if "format" not in content.file.attrs or content.text("/", "format") != FORMAT:
        raise InvalidDataset(f"{content.path}: is an HDF5 file but no dataset of fhnbench (/@format); give another")
    if (version := content.integer("/", "format_version")) != FORMAT_VERSION:
        raise InvalidDataset(
            f"{content.path}: /@format_version is {version}, this version of fhnbench reads {FORMAT_VERSION}; {REMEDY}"
        )


def _read(content: CheckedFile) -> Dataset:
    problem = _read_problem(content)
    times = content.values("/times", problem.save_points)
    wrong = np.abs(times - problem.times) > 1e-9 * problem.save_interval
    if wrong.any():
        point = int(np.argmax(wrong))
        raise content.invalid(f"/times[{point}]", f"is {times[point]}, the save interval makes {problem.times[point]}")
    ensemble = _read_ensemble(content, problem)
    return Dataset(
        path=content.path,
        spec=_read_spec(content, problem, ensemble.size),
        ensemble=ensemble,
        evidence=ReferenceEvidence(
            method=content.text("/reference", "method"),
            dt=content.number("/reference", "dt"),
            mean_change=content.number("/reference", "mean_change"),
            max_change=content.number("/reference", "max_change"),
        ),
        error_floor=content.number("/reference", "error_floor"),
        digest=content.text("/", "content_sha256"),
        created=content.text("/", "created"),
        package_version=content.text("/", "package_version"),
    )


def _read_spec(content: CheckedFile, problem: Problem, size: int) -> DatasetSpec:
    sampling = content.text("/inputs", "sampling")
    if sampling not in get_args(Sampling):
        raise content.invalid("/inputs@sampling", f"is {sampling!r}, not one of {', '.join(get_args(Sampling))}")
    seed = content.integer("/inputs", "seed")
    training_dt = content.number("/training", "dt") if "training" in content.file else None
    try:
        return DatasetSpec(problem, size, cast("Sampling", sampling), seed, training_dt)
    except FhnbenchError as error:
        raise content.invalid("/inputs@seed or /training@dt", f"is impossible: {error}") from None


def _read_problem(content: CheckedFile) -> Problem:
    numbers = {name: content.number("/model", name) for name in ("a", "b", "c", "tau")}
    name = content.text("/problem", "name")
    ranges = {variable: content.pair("/problem", f"{variable}_range") for variable in VARIABLES}
    horizon, save_interval = (content.number("/problem", key) for key in ("horizon", "save_interval"))
    try:
        return Problem(name, **ranges, horizon=horizon, save_interval=save_interval, model=FitzHughNagumo(**numbers))
    except FhnbenchError as error:
        raise content.invalid("/problem or /model", f"is impossible: {error}") from None


def _read_ensemble(content: CheckedFile, problem: Problem) -> Ensemble:
    columns: dict[str, NDArray[np.float64]] = {}
    size = None
    for variable in VARIABLES:
        path = f"/inputs/{variable}"
        values = columns[variable] = content.values(path, size)
        size = values.size
        low, high = getattr(problem, variable)
        # Samples are rounded to float32, which may carry them past an end that is not one.
        outside = (values < min(low, float(np.float32(low)))) | (values > max(high, float(np.float32(high))))
        if outside.any():
            sample = int(np.argmax(outside))
            raise content.invalid(f"{path}[{sample}]", f"is {values[sample]}, outside the range [{low}, {high}]")
    return Ensemble(**columns, model=problem.model)


def _check_first_point(content: CheckedFile, dataset: Dataset) -> None:
    for path in _trajectories(dataset):
        states = content.array(path, (dataset.problem.save_points, 2, dataset.size))
        for index, variable in enumerate(("u0", "w0")):
            different = states[0, index] != getattr(dataset.ensemble, variable)
            if different.any():
                place = f"{path}[0, {index}, {int(np.argmax(different))}]"
                raise content.invalid(place, f"is not the initial state in /inputs/{variable}")


def _verify(content: CheckedFile, dataset: Dataset, progress: Callable[[float], None] | None) -> None:
    for path in _trajectories(dataset):
        for point, states in enumerate(content.file[path]):
            content.require_finite(path, states, (point,))
    if (digest := content_digest(content.file, progress)) != dataset.digest:
        raise content.invalid("/@content_sha256", f"is {dataset.digest[:12]}..., the content has {digest[:12]}...")


def _trajectories(dataset: Dataset) -> list[str]:
    return ["/reference/states"] if dataset.spec.training_dt is None else ["/reference/states", "/training/states"]
