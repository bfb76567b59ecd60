"""The classes of networks by the sizes of their hidden layers: each rule in one place, in words and as code.

The paper names the classes (square, rectangle, bottleneck, funnel, bowtie) "depending on the relation of layer sizes"
and says no more; the rules are ours. The first that holds decides, and the last always does, so that every network
is of exactly one class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Sizes = NDArray[np.int_]
    Rule = Callable[[Sizes], NDArray[np.bool_]]

NEARLY = 1.5
"""The layers of a rectangle differ by this factor at most."""


class Shape(NamedTuple):
    """A class.

    Parameters
    ----------
    name
        As the paper has it.
    rule
        What the sizes have to be, in words.
    holds
        The same as code: from sizes ``[n, layers]`` to whether it holds ``[n]``.
    """

    name: str
    rule: str
    holds: Rule


def _square(sizes: Sizes) -> NDArray[np.bool_]:
    return np.asarray(sizes.max(axis=1) == sizes.min(axis=1))


def _rectangle(sizes: Sizes) -> NDArray[np.bool_]:
    return np.asarray(sizes.max(axis=1) <= NEARLY * sizes.min(axis=1))


def _funnel(sizes: Sizes) -> NDArray[np.bool_]:
    return np.asarray((np.diff(sizes, axis=1) <= 0).all(axis=1))


def _bowtie(sizes: Sizes) -> NDArray[np.bool_]:
    half = sizes[:, : (sizes.shape[1] + 1) // 2]
    return np.asarray((sizes == sizes[:, ::-1]).all(axis=1) & _funnel(half))


def _bottleneck(sizes: Sizes) -> NDArray[np.bool_]:
    return np.asarray(sizes.min(axis=1) < np.minimum(sizes[:, 0], sizes[:, -1]))


def _other(sizes: Sizes) -> NDArray[np.bool_]:
    return np.full(len(sizes), fill_value=True)


SHAPES: tuple[Shape, ...] = (
    Shape("square", "all layers are of one size, or there is only one", _square),
    Shape("rectangle", f"the largest layer has at most {NEARLY:g} times the neurons of the smallest", _rectangle),
    Shape("funnel", "no layer is larger than the one before it", _funnel),
    Shape("bowtie", "the sizes are mirrored, shrink to the middle and grow again", _bowtie),
    Shape("bottleneck", "the smallest layer lies inside: it is smaller than the first and the last", _bottleneck),
    Shape("other", "none of these: growing, widest inside, zigzag", _other),
)
"""All classes, in the order in which their rules are tried."""

NAMES: tuple[str, ...] = tuple(shape.name for shape in SHAPES)


def classify(sizes: Sizes) -> NDArray[np.int_]:
    """Return the index in `SHAPES` of each network.

    Parameters
    ----------
    sizes
        Neurons of the hidden layers, ``[n, layers]`` with at least one layer.
    """
    return np.asarray(np.argmax([shape.holds(sizes) for shape in SHAPES], axis=0))


def shape_of(hidden: Sequence[int]) -> str:
    """Return the name of the class of one network."""
    return NAMES[int(classify(np.array([hidden]))[0])]
