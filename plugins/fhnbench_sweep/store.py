"""What a sweep has trained, on disk: weights of each batch, written whole, then a line for each network.

A network is done once its line is there. Killed at any moment, a sweep loses the batches in flight, and at most the
last line is torn, which the next run takes away.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import safetensors.numpy
import torch

from fhnbench import (
    ArtifactMetadata,
    FhnbenchError,
    NetworkModule,
    TrainingTask,
    standard_problem,
    surrogate_family,
    training_record,
    write_whole,
)
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.plan import decode_plan
from fhnbench_sweep.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fhnbench import Artifact
    from fhnbench_sweep.plan import Plan

PLAN_FILE, OUTCOMES_FILE, WEIGHTS_FOLDER = "plan.json", "outcomes.jsonl", "weights"

Key = tuple[str, str, int]
"""Family, candidate and seed."""


def key_of(outcome: Outcome) -> Key:
    """Return what an outcome is the outcome of."""
    return outcome.family, outcome.candidate, outcome.seed


class Store:
    """The folder of a sweep, open for more outcomes.

    Parameters
    ----------
    folder
        Made if it is not there.
    plan
        Its content is written to a new folder; an old one must hold the same.

    Raises
    ------
    FhnbenchError
        If the folder holds another plan, or its outcomes cannot be read.
    """

    def __init__(self, folder: Path, plan: bytes) -> None:
        self._folder = folder
        file = folder / PLAN_FILE
        if file.exists():
            if decode_plan(file.read_bytes()) != decode_plan(plan):
                raise FhnbenchError(f"{folder} holds the sweep of another plan; take another --output")
        else:
            write_whole(file, plan)
        self.outcomes: list[Outcome] = []
        self._outcomes = folder / OUTCOMES_FILE
        if self._outcomes.exists():
            self._read()

    @property
    def done(self) -> set[Key]:
        """What has an outcome."""
        return {key_of(outcome) for outcome in self.outcomes}

    def add(self, outcomes: Sequence[Outcome], weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep what a batch gave.

        Raises
        ------
        FhnbenchError
            If it cannot be written; what was there before stays.
        """
        write_whole(
            self._folder / WEIGHTS_FOLDER / f"{outcomes[0].batch}.safetensors", safetensors.numpy.save(dict(weights))
        )
        size = self._outcomes.stat().st_size if self._outcomes.exists() else 0
        try:
            with self._outcomes.open("ab") as file:
                file.write(b"".join(msgspec.json.encode(outcome) + b"\n" for outcome in outcomes))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            os.truncate(self._outcomes, size)
            raise FhnbenchError(f"cannot write {self._outcomes}: {error.strerror}") from None
        self.outcomes += outcomes

    def _read(self) -> None:
        content = self._outcomes.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            self.outcomes = [msgspec.json.decode(line, type=Outcome) for line in whole.splitlines()]
        except msgspec.MsgspecError as error:
            raise FhnbenchError(f"{self._outcomes}: {error}; restore it, or take another --output") from None
        if len(whole) < len(content):
            os.truncate(self._outcomes, len(whole))


def artifact_of(folder: Path, outcome: Outcome) -> Artifact:
    """Return a network of a sweep as an artifact.

    Parameters
    ----------
    folder
        Of the sweep.
    outcome
        Which of its networks.

    Raises
    ------
    FhnbenchError
        If the network was not trained, or its weights are not in the folder.
    """
    if outcome.status != "trained":
        raise FhnbenchError(f"{outcome.family} {outcome.candidate} was not trained: {outcome.reason}")
    settings = read_settings(folder)
    plan: Plan = decode_plan((folder / PLAN_FILE).read_bytes())
    candidate = next(one for one in plan.candidates if one.name == outcome.candidate)
    problem, recipe = standard_problem(plan.problem), settings.recipes[outcome.family]
    task = TrainingTask(
        outcome.family, problem, candidate.hidden, candidate.activations, recipe="paper", seed=outcome.seed
    )
    network = surrogate_family(outcome.family, {}).design(task).network
    module = NetworkModule(network, problem.save_points, problem.save_interval)
    file = folder / WEIGHTS_FOLDER / f"{outcome.batch}.safetensors"
    try:
        tensors = safetensors.numpy.load(file.read_bytes())
    except (OSError, safetensors.SafetensorError) as error:
        raise FhnbenchError(f"{file}: {error}; weights are not kept with the records: train the sweep again") from None
    prefix = f"{outcome.family}/{outcome.candidate}/{outcome.seed}/"
    with torch.no_grad():
        for kind, group in (("weight", module.weights), ("bias", module.biases)):
            for layer, parameter in enumerate(group):
                parameter.copy_(torch.from_numpy(tensors[f"{prefix}{kind}{layer}"]))
    training = training_record(
        task, recipe, samples=recipe.fixed_samples(problem.name), steps=outcome.steps, seconds=outcome.seconds,
        data_seconds=0.0, best_step=outcome.best_step,
    )  # fmt: skip
    training = msgspec.structs.replace(training, command=settings.command, recipe="sweep")
    return module.artifact(ArtifactMetadata(outcome.family, problem, network, training, outcome.test))
