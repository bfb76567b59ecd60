"""A model of the time that a network takes, calibrated with measured ones and checked with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from fhnbench import network_cost
from fhnbench_sweep.analysis.record import CostModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench import Network, Workload

TERMS = ("multiply-adds", "activation operations", "neurons", "layers", "passes")
"""What takes time. The bytes of inputs and outputs are the same for all networks, and go with the passes."""

HELD_OUT = 3
"""Every third of the measured networks, by the time that they take, checks the model."""

LEAST = 9
"""A model rests on at least so many measured networks; its terms are not negative, which holds few of them in check."""


@dataclass(frozen=True)
class Calibrated:
    """A calibrated model.

    Parameters
    ----------
    seconds_each
        Seconds for one of each of `TERMS`.
    workload
        What was timed.
    record
        How it was calibrated and how well it predicts.
    """

    seconds_each: NDArray[np.float64]
    workload: Workload
    record: CostModel

    def seconds(self, network: Network) -> float:
        """Return the predicted time of an evaluation of the workload."""
        return float(work(network, self.workload) @ self.seconds_each)


def work(network: Network, workload: Workload) -> NDArray[np.float64]:
    """Return how many of each of `TERMS` an evaluation takes; operations as fhnbench declares them."""
    passes = workload.size * network.passes(workload.save_points)
    multiply_adds = passes * network.multiply_adds
    activations = network_cost(network, workload).operations - multiply_adds
    return np.array(
        [
            multiply_adds,
            activations,
            passes * sum(network.hidden),
            passes * len(network.hidden),
            passes,
        ]
    )


def calibrate(networks: Sequence[Network], seconds: Sequence[float], workload: Workload) -> Calibrated | None:
    """Return the model with the non-negative terms that make the least relative errors; None if too few were measured.

    Parameters
    ----------
    networks, seconds
        What was measured. Every third, by time, is held out and says how well the model predicts; the model that is
        returned rests on the others only.
    workload
        What was timed.
    """
    if len(networks) < LEAST:
        return None
    order = np.argsort(seconds)
    done = np.array([work(network, workload) for network in networks])[order]
    times = np.asarray(seconds)[order]
    held_out = np.arange(len(times)) % HELD_OUT == HELD_OUT // 2
    scale = done[~held_out].max(axis=0)
    solution = nnls(done[~held_out] / scale / times[~held_out, None], np.ones(np.count_nonzero(~held_out)))[0]
    each = solution / scale
    errors = np.abs(done[held_out] @ each / times[held_out] - 1)
    record = CostModel(
        terms={name: 1e6 * float(one) for name, one in zip(TERMS, each, strict=True)},
        calibrated=int(np.count_nonzero(~held_out)),
        held_out=int(np.count_nonzero(held_out)),
        median_error=float(np.median(errors)),
        largest_error=float(errors.max()),
    )
    return Calibrated(each, workload, record)
