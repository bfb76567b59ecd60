"""What a network's evaluation costs at least, for runtimes that cannot count it, and what folded steps cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fhnbench.plugins.interfaces import Cost
from fhnbench.structure import Network

if TYPE_CHECKING:
    from fhnbench.runge_kutta import Tableau
    from fhnbench.structure import Activation, Structure
    from fhnbench.workload import Workload

FEATURE_OPERATIONS = (5, 10)
"""Operations of ``output=features`` for each sample: at a save point (extremes and threshold), and once at the end.

It is the least: what a spike costs is not counted.
"""

ACTIVATION_OPERATIONS: dict[Activation, tuple[int, int]] = {
    "identity": (0, 0),
    "relu": (1, 1),
    "sin": (12, 16),
    "tanh": (15, 25),
    "sigmoid": (16, 22),
    "silu": (16, 22),
    "softplus": (23, 42),
}
"""Operations of one evaluation in a precision of up to 32 bits, and in float64.

Those of minimax polynomials (of their quotient for tanh, of the exponential for sigmoid and its kin) on vector
registers: multiply-adds, clamping and bit manipulation one each, a division shared by two neurons one half. They are
what the fused runtime ``cpu`` executes.
"""


def network_cost(network: Structure, workload: Workload) -> Cost:
    """Return the cost of evaluating a network or an integrator for all samples, the same for every runtime.

    Parameters
    ----------
    network
        Layers and scheme, or stages.
    workload
        Number of samples and save points, and the precision.

    Returns
    -------
    Cost
        Operations: all multiply-adds (which take in the biases and the normalisation), activations, and the additions
        of increments; those of features are not counted. Bytes: inputs read once and the output written once; weights
        and activations stay in cache.
    """
    one_pass = network.multiply_adds
    if isinstance(network, Network):
        one_pass += _activation_operations(network, workload)
    return Cost(
        operations=float(workload.size * network.passes(workload.save_points) * one_pass),
        bytes=_bytes(workload),
    )


def _activation_operations(network: Network, workload: Workload) -> int:
    """Return the operations of a pass beside multiply-adds: activations, and additions of increments."""
    column = 1 if workload.precision == "float64" else 0
    layers = zip(network.widths[1:], network.activations, strict=True)
    activations = sum(width * ACTIVATION_OPERATIONS[name][column] for width, name in layers)
    return activations + (network.widths[-1] if network.output == "increment" else 0)


def folded_cost(tableau: Tableau, workload: Workload, substeps: int) -> Cost:
    """Return what a kernel of folded Runge-Kutta steps executes and moves; see `fhnbench.fold`.

    Parameters
    ----------
    tableau
        The method.
    workload
        Number of samples and save points, and the dtype.
    substeps
        Steps in a save interval.

    Returns
    -------
    Cost
        Operations: those of the steps, 4 at each save point and 6 to 9 for each sample at its beginning; where features
        are asked for, theirs (`FEATURE_OPERATIONS`) in place of two at each save point. Bytes: inputs read once and
        the output written once.
    """
    interval, once = substeps * tableau.operations + 4, 5 + tableau.stages
    if workload.output == "features":
        at_point, at_end = FEATURE_OPERATIONS
        interval, once = substeps * tableau.operations + 2 + at_point, once + at_end
    return Cost(
        operations=float(workload.size * (once + (workload.save_points - 1) * interval)), bytes=_bytes(workload)
    )


def _bytes(workload: Workload) -> float:
    """Return the bytes of inputs and of the output."""
    return float((3 * workload.size + math.prod(workload.shape)) * workload.dtype.itemsize)
