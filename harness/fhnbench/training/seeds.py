"""Seeds of training, disjoint by construction from every seed that a dataset can have."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_DATASET_SEEDS = 1 << 64
"""Seeds of datasets are stored as 64-bit integers, so none reaches this value; all seeds made here exceed it."""


class Stream(IntEnum):
    """What random numbers are for; streams of one seed never meet."""

    WEIGHTS = 1
    TRAJECTORIES = 2
    BATCHES = 3
    VALIDATION = 4
    TEST = 5
    SCALES = 6


def stream_seed(seed: int, stream: Stream, number: int = 0) -> int:
    """Return the seed of a stream of a training, for NumPy's generators (at least 2**64).

    Parameters
    ----------
    seed
        The user's seed, from 0 to 2**32 - 1.
    stream
        What it is for.
    number
        Which one, where a stream has several (the round), from 0 to 2**32 - 1.
    """
    return _DATASET_SEEDS * (1 + int(stream) + (number << 8) + (seed << 40))


def torch_seed(seed: int, stream: Stream, number: int = 0) -> int:
    """Return the seed of a stream for torch's generators, which take 64 bits: a hash of `stream_seed`."""
    return int(np.random.SeedSequence(stream_seed(seed, stream, number)).generate_state(1, np.uint64)[0])
