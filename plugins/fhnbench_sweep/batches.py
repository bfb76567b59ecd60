"""Which candidates are trained together: of one number of layers, and of sizes that pad each other little.

A step of a batch takes the time of its calls, about 1 ms, whatever the sizes, and that of its arithmetic, which is
that of K networks of the widest layers: three passes of ``2 x samples`` operations a weight. One millisecond is worth
about 30,000 multiply-adds a sample (256 samples, one thread of a CPU with AVX-512), so 800 candidates of up to 512
neurons, 5,500 multiply-adds on average, would mostly wait for calls if they were trained one by one. A candidate may
add `PADDING` multiply-adds for its share of the calls: at 8,000 the modelled time of 800 candidates is least (that of
138 batches and 1.5 times the arithmetic, 2.7 times less than one by one).

A layer's activations, ``K x samples x neurons`` floats, should stay in a processor's second-level cache: `CACHE_BYTES`
for all layers of a batch.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_sweep.plan import Candidate

PADDING = 8_000
CACHE_BYTES = 2**21
FEWEST, MOST = 8, 64


def batched(candidates: Sequence[Candidate], samples: int) -> list[list[Candidate]]:
    """Return batches of candidates, the most expensive first; in each, equal activations are neighbours.

    Parameters
    ----------
    candidates
        What is to be trained.
    samples
        Samples in a training step.
    """
    left = sorted(candidates, key=lambda one: (cost(one.hidden), one.name), reverse=True)
    batches = []
    while left:
        batch = _batch_around(left, samples)
        names = {one.name for one in batch}
        left = [one for one in left if one.name not in names]
        batches.append(sorted(batch, key=lambda one: (one.activations, one.name)))
    return batches


def cost(hidden: Sequence[int]) -> int:
    """Return the multiply-adds of a pass, with four inputs and two outputs."""
    widths = (4, *hidden, 2)
    return sum(before * after for before, after in itertools.pairwise(widths))


def _padded(batch: Sequence[Candidate]) -> int:
    """Return the multiply-adds of a pass of all networks of a batch, padded."""
    return len(batch) * cost(tuple(map(max, zip(*(one.hidden for one in batch), strict=True))))


def _batch_around(left: Sequence[Candidate], samples: int) -> list[Candidate]:
    """Return the first candidate and those that join it at small cost."""
    first = left[0]
    room = max(FEWEST, min(MOST, CACHE_BYTES // (4 * samples * sum(first.hidden))))
    alike = [one for one in left[1:] if len(one.hidden) == len(first.hidden)]
    alike.sort(key=lambda one: (_padded([first, one]) - cost(one.hidden), one.name))
    batch = [first]
    for one in alike:
        if len(batch) == room:
            break
        if _padded([*batch, one]) - _padded(batch) <= cost(one.hidden) + PADDING:
            batch.append(one)
    return batch
