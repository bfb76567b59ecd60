"""What a dataset is made from: everything that determines its content, and the file name that says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from fhnbench.errors import FhnbenchError
from fhnbench.problem import PROBLEM_NAMES, Problem, Sampling, standard_problem
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from fhnbench.problem import Ensemble

EVALUATION_SEED = 1961
"""Seed of the datasets that errors are measured on; nothing is trained on it."""

_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """What a dataset is made from.

    Parameters
    ----------
    problem, size, sampling, seed
        What the inputs are sampled from; see `Problem.sample`.
    training_dt
        Step of Euler trajectories to store besides the reference, as training data like those of Werneck et al.
        (0.01); None for none. They are never what errors are measured against.

    Raises
    ------
    FhnbenchError
        If there is no sample, the seed does not fit 63 bits or the training step does not divide the save interval.
    """

    problem: Problem
    size: int
    sampling: Sampling = "uniform"
    seed: int = EVALUATION_SEED
    training_dt: float | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise FhnbenchError(f"a dataset needs at least one sample, not {self.size}")
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise FhnbenchError(f"seed {self.seed} is not between 0 and {_LARGEST_SEED}")
        if self.training_dt is not None:
            Workload.of(self.problem, self.size).substeps(self.training_dt)

    @property
    def filename(self) -> str:
        """Name of the file that holds this dataset and no other, as in ``C-100000-uniform-seed1961.h5``.

        A problem that is not A, B or C as they stand adds eight digits of its SHA-256, training trajectories add
        their method and step.
        """
        parts = [self.problem.name, str(self.size), self.sampling, f"seed{self.seed}"]
        if self.problem.name not in PROBLEM_NAMES or self.problem != standard_problem(self.problem.name):
            as_floats = msgspec.convert(msgspec.to_builtins(self.problem), Problem)  # 50 and 50.0 are the same horizon
            parts.append(hashlib.sha256(msgspec.json.encode(as_floats)).hexdigest()[:8])
        if self.training_dt is not None:
            parts.append(f"euler{float(self.training_dt)!r}")
        return "-".join(parts) + ".h5"

    @property
    def trajectory_bytes(self) -> int:
        """Size of all trajectories in the file, in bytes."""
        return self.problem.save_points * 2 * 8 * self.size * (1 if self.training_dt is None else 2)

    def sample(self) -> Ensemble:
        """Return the inputs."""
        return self.problem.sample(self.size, self.sampling, self.seed)
