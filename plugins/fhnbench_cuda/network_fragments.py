"""Matrices as the lanes of a warp hold them for tensor cores: the fragments of ``mma.sync`` (PTX ISA).

Of a right factor ``[k, n]`` of 8 x 8 numbers, lane ``4 g + q`` holds the numbers ``[2 q, g]`` and ``[2 q + 1, g]``, the
first in the low half of a register. The product m16n8k8 takes one such register, m16n8k16 two, for the first and the
last eight k.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fhnbench import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLICE = 8
"""Neurons that the lanes of a warp hold in one register of each row."""

LANES = 32


def slices_of(width: int) -> int:
    """Return in how many slices a layer is held."""
    return -(-width // SLICE)


def right_fragments(weight: NDArray[np.float64], half: Literal["float16", "bfloat16"]) -> NDArray[np.uint32]:
    """Return what the lanes multiply by to apply a layer's weights.

    Parameters
    ----------
    weight
        ``[out, in]``: the right factor, transposed.
    half
        The type of a number.

    Returns
    -------
    NDArray[np.uint32]
        ``[tile, words]``, a tile for each eight outputs. Its words are, for each two slices of inputs, two for each
        lane, which come one after the other; and for a slice that is left over one for each lane. What is filled up is
        zero.

    Raises
    ------
    Refused
        If a number is too large for float16.
    """
    tiles, slices = map(slices_of, weight.shape)
    filled_up = np.zeros((SLICE * tiles, SLICE * slices))
    filled_up[: weight.shape[0], : weight.shape[1]] = weight
    bits = half_bits(filled_up, half).astype(np.uint32)
    pairs = bits.reshape(tiles, SLICE, slices, 4, 2).transpose(0, 2, 1, 3, 4).reshape(tiles, slices, LANES, 2)
    words = pairs[..., 0] | pairs[..., 1] << np.uint32(16)
    even = slices // 2 * 2
    side_by_side = words[:, :even].reshape(tiles, -1, 2, LANES).swapaxes(2, 3)
    return np.hstack([side_by_side.reshape(tiles, -1), words[:, even:].reshape(tiles, -1)])


def half_bits(numbers: NDArray[Any], half: Literal["float16", "bfloat16"]) -> NDArray[np.uint16]:
    """Return the bits of numbers of 16 bits, rounded to nearest even.

    Raises
    ------
    Refused
        If one is too large for float16.
    """
    if half == "float16":
        largest = abs(numbers).max(initial=0.0)
        if largest >= 65520:
            raise Refused(f"a weight of {largest:.3g} is beyond float16; take bfloat16 or float32")
        return numbers.astype(np.float16).view(np.uint16)
    bits = numbers.astype(np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)
