"""That each sample is computed on its own, wherever it stands in whatever batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fhnbench.testing.compare import require_same
from fhnbench.testing.ensembles import permuted
from fhnbench.testing.subject import SIZE

if TYPE_CHECKING:
    from fhnbench.testing.subject import Subject

_SMALL = 7


def check_batch_sizes(subject: Subject) -> None:
    """Check that 1 and 7 samples give what the same samples give among 1,000, at both ends of the batch.

    None of the sizes is a multiple of a block, vector or warp: this is where loops over remainders go wrong. It also
    catches what depends on the whole batch, such as a normalisation by its mean. Differences by rounding are allowed,
    since compilers and matrix libraries treat remainders with other instructions.
    """
    ensemble = subject.ensemble()
    expected = subject.trajectories(ensemble)
    for part in (slice(0, 1), slice(0, _SMALL), slice(SIZE - _SMALL, SIZE)):
        count = part.stop - part.start
        found = subject.trajectories(ensemble[part])
        what = f"samples {part.start} to {part.stop - 1} of {SIZE} alone (N={count})"
        require_same(found, expected[:, :, part], subject.precision, what)


def check_permutation(subject: Subject) -> None:
    """Check that permuting the samples permutes the trajectories and changes nothing else.

    It catches samples that read their neighbour's state or current, and trajectories written to another's place.
    """
    ensemble = subject.ensemble()
    order = np.random.default_rng(0).permutation(SIZE)
    found = subject.trajectories(permuted(ensemble, order))
    expected = subject.trajectories(ensemble)[:, :, order]
    require_same(found, expected, subject.precision, "with the samples in another order")
