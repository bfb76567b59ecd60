"""What training one candidate of one family gave: a line of ``outcomes.jsonl``."""

from __future__ import annotations

from typing import Literal

import msgspec


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of a candidate.

    Parameters
    ----------
    family, candidate, seed
        What was trained: the name of the family, that of the candidate, and the seed of its weights.
    status
        ``trained`` or ``failed``.
    reason
        Why it failed.
    parameters
        Weights and biases.
    steps, best_step
        Steps taken, and the step of least validation error.
    validation_mae
        Least mean absolute error over u and w on validation trajectories, by which candidates are chosen.
    test
        Errors of those weights on test trajectories, by name (``mae``, ``p999``, ...), which choose nothing.
    seconds
        Its share of its batch's time on the clock.
    batch
        Name of the batch it was trained in; its weights are in ``weights/BATCH.safetensors``.
    """

    family: str
    candidate: str
    seed: int
    status: Literal["trained", "failed"]
    reason: str = ""
    parameters: int = 0
    steps: int = 0
    best_step: int = 0
    validation_mae: float | None = None
    test: dict[str, float] = {}
    seconds: float = 0.0
    batch: str = ""
