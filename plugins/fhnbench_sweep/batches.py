"""Which candidates are trained together: of one number of layers, and of sizes that pad each other little.

A step of K networks that are padded to some widths takes, on one thread of a CPU with AVX-512 (a fit to 140 batches of
up to 58 networks in steps of 64 and of 256 samples, within 7% for half of them, within 20% for nine of ten),

- `CALLS` and `LAYER_CALLS` for each layer, whatever the sizes: the calls of torch's operations;
- `WEIGHT` for each weight and sample: three matrix products;
- `NEURON` for each neuron and sample, as much as 40 weights: an activation, its slope, and their memory.

A network by itself mostly waits for calls; one among many pays for padding. Pairs of batches are joined as long as that
saves time, the pair that saves most first. A term for Adam (2.6 ns a weight) fits a little better, within 6 and 16%; it
is left out, since the batches that such a term led to in an earlier fit were measured to be no faster.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench_sweep.plan import Candidate

CALLS, LAYER_CALLS, WEIGHT, NEURON = 0.62e-3, 0.049e-3, 0.088e-9, 3.5e-9
"""Seconds."""
CACHE_BYTES = 2**23
"""A batch's activations, of all layers, should stay in a processor's last cache."""
MOST = 64
"""Networks of a batch: what is lost if its process is killed."""
_TOGETHER = 512
"""Candidates among which pairs are sought; there are half of the square as many."""


def batched(candidates: Sequence[Candidate], samples: int) -> list[list[Candidate]]:
    """Return batches of candidates, the most expensive first; in each, equal activations are neighbours.

    Parameters
    ----------
    candidates
        What is to be trained.
    samples
        Samples in a training step.
    """
    ordered = sorted(candidates, key=lambda one: (len(one.hidden), cost(one.hidden), one.name))
    batches = []
    for _, group in itertools.groupby(ordered, key=lambda one: len(one.hidden)):
        alike = list(group)
        for start in range(0, len(alike), _TOGETHER):
            batches += _joined(alike[start : start + _TOGETHER], samples)
    batches.sort(key=lambda batch: (-_batch_seconds(batch, samples), batch[0].name))
    return [sorted(batch, key=lambda one: (one.activations, one.name)) for batch in batches]


def cost(hidden: Sequence[int]) -> int:
    """Return the multiply-adds of a pass, with four inputs and two outputs."""
    widths = (4, *hidden, 2)
    return sum(before * after for before, after in itertools.pairwise(widths))


def _joined(candidates: Sequence[Candidate], samples: int) -> list[list[Candidate]]:
    """Return batches of candidates that have as many layers."""
    widths = np.array([one.hidden for one in candidates], np.int64)
    sizes = np.ones(len(candidates), np.int64)
    members = [[one] for one in candidates]

    def savings(place: int) -> NDArray[Any]:
        """Return what joining a batch to each of all saves, in seconds."""
        both = np.maximum(widths, widths[place])
        count = sizes + sizes[place]
        saved = own - _seconds(both, count, samples) + own[place]
        fits = (sizes > 0) & (count <= MOST) & (4 * samples * count * both.sum(axis=1) <= CACHE_BYTES)
        fits[place] = False
        return np.where(fits, saved, -np.inf)

    own = _seconds(widths, sizes, samples)
    saved = np.stack([savings(place) for place in range(len(candidates))])
    while True:
        place, other = np.unravel_index(np.argmax(saved), saved.shape)
        if saved[place, other] <= 0:
            return [batch for batch in members if batch]
        widths[place] = np.maximum(widths[place], widths[other])
        sizes[place] += sizes[other]
        members[place] += members[other]
        sizes[other], members[other] = 0, []
        own[place] = _seconds(widths[place : place + 1], sizes[place : place + 1], samples)[0]
        saved[other] = saved[:, other] = -np.inf
        saved[place] = saved[:, place] = savings(int(place))


def _batch_seconds(batch: Sequence[Candidate], samples: int) -> float:
    widths = np.max([one.hidden for one in batch], axis=0)
    return float(_seconds(widths[None], np.array([len(batch)]), samples)[0])


def _seconds(widths: NDArray[np.int64], sizes: NDArray[np.int64], samples: int) -> NDArray[np.float64]:
    """Return the seconds of a step of batches of so many networks, padded to widths ``[batches, layers]``."""
    layers = widths.shape[1]
    weights = 4 * widths[:, 0] + (widths[:, :-1] * widths[:, 1:]).sum(axis=1) + 2 * widths[:, -1]
    of_network = samples * (WEIGHT * weights + NEURON * widths.sum(axis=1))
    result: NDArray[np.float64] = CALLS + LAYER_CALLS * layers + sizes * of_network
    return result
