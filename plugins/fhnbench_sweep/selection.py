"""Mapping every architecture of a space, and selecting some of them evenly."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from fhnbench import FhnbenchError
from fhnbench_sweep.plan import Candidate, Plan
from fhnbench_sweep.shapes import NAMES, classify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench_sweep.plan import Space

    Cell = tuple[str, int]
    """A class and a bin of sizes."""

    Map = dict[Cell, dict[int, NDArray[np.int_]]]
    """The sizes ``[n, layers]`` of all networks of a cell, by their number of layers."""


def every_architecture(space: Space) -> Map:
    """Return the sizes of every network of a space by class, bin of sizes and number of layers, without empty cells.

    Parameters
    ----------
    space
        Where to look. The activations only multiply: see `count`.
    """
    (fewest, most), (low, high) = space.layers, space.neurons
    edges = [first for first, _ in space.size_bins]
    widths, sizes = np.array(space.widths), np.zeros((1, 0), int)
    found: Map = {(name, index): {} for name in NAMES for index in range(len(edges))}
    for layers in range(1, most + 1):
        sizes = np.column_stack([np.repeat(sizes, len(widths), axis=0), np.tile(widths, len(sizes))])
        neurons = sizes.sum(axis=1)
        sizes, neurons = sizes[neurons <= high], neurons[neurons <= high]
        if layers < fewest:
            continue
        kept = sizes[neurons >= low]
        shapes, bins = classify(kept), np.searchsorted(edges, neurons[neurons >= low], side="right") - 1
        for (shape, name), index in itertools.product(enumerate(NAMES), range(len(edges))):
            if (chosen := (shapes == shape) & (bins == index)).any():
                found[name, index][layers] = kept[chosen]
    return {cell: groups for cell, groups in found.items() if groups}


def count(groups: dict[int, NDArray[np.int_]], activations: int) -> int:
    """Return how many architectures the groups of a cell are, each layer with any of the activations."""
    return sum(len(sizes) * activations**layers for layers, sizes in groups.items())


def select(problem: str, space: Space, mapped: Map, candidates: int, seed: int, command: str = "") -> Plan:
    """Select candidates evenly over the cells; in a cell over the numbers of layers, there over the sizes.

    Where there are fewer than an even share, all are taken and the others share the rest. Activations are used equally
    often in each layer, and no architecture is selected twice.

    Parameters
    ----------
    problem
        Name of the problem.
    space
        Where to select from.
    mapped
        Its architectures, as `every_architecture` gives them.
    candidates
        How many.
    seed
        Of what is left to chance; the same seed gives the same plan.
    command
        What the plan says of how it was made.

    Raises
    ------
    FhnbenchError
        If the space has fewer architectures than that.
    """
    kinds = len(space.activations)
    available = sum(count(groups, kinds) for groups in mapped.values())
    if available < candidates:
        raise FhnbenchError(f"{candidates} candidates of {available} architectures; widen the space or ask for fewer")
    chance, activations = np.random.default_rng(seed), _Activations(space)
    chosen: list[Candidate] = []
    shares = share(candidates, [count(groups, kinds) for groups in mapped.values()], chance)
    for ((shape, size_bin), groups), of_cell in zip(mapped.items(), shares, strict=True):
        by_layers = share(of_cell, [len(sizes) * kinds**layers for layers, sizes in groups.items()], chance)
        for (layers, sizes), of_group in zip(groups.items(), by_layers, strict=True):
            repeats = share(of_group, [kinds**layers] * len(sizes), chance)
            for row in np.repeat(sizes, repeats, axis=0):
                hidden = tuple(map(int, row))
                chosen.append(
                    Candidate(
                        name=f"c{len(chosen):04}",
                        hidden=hidden,
                        activations=activations.draw(hidden, chance),
                        shape=shape,
                        size_bin=size_bin,
                    )
                )
    return Plan(problem=problem, seed=seed, space=space, candidates=tuple(chosen), command=command)


def share(total: int, capacities: Sequence[int], chance: np.random.Generator) -> list[int]:
    """Share a number out as evenly as capacities allow; chance says who has one more.

    Parameters
    ----------
    total
        At most the sum of the capacities.
    capacities
        Most that each can have.
    chance
        Who gets what cannot be divided.
    """
    most, shares = np.array(capacities), np.zeros(len(capacities), int)
    while (rest := total - shares.sum()) > 0:
        open_ones = np.flatnonzero(shares < most)
        if each := rest // len(open_ones):
            shares[open_ones] = np.minimum(shares[open_ones] + each, most[open_ones])
        else:
            shares[chance.choice(open_ones, rest, replace=False)] += 1
    return [int(one) for one in shares]


class _Activations:
    """Draws activations of networks such that each is used as often as any other in a layer."""

    def __init__(self, space: Space) -> None:
        most = space.layers[1]
        self._names = space.activations
        self._used = np.zeros((most, len(self._names)), int)
        every = range(len(self._names))
        self._sequences = {
            layers: np.array([*itertools.product(every, repeat=layers)]) for layers in range(1, most + 1)
        }
        self._free: dict[tuple[int, ...], NDArray[np.bool_]] = {}

    def draw(self, hidden: tuple[int, ...], chance: np.random.Generator) -> tuple[str, ...]:
        """Return activations that these sizes have not had, of those used least; chance decides between equals."""
        sequences, places = self._sequences[len(hidden)], np.arange(len(hidden))
        uses = self._used[places, sequences].sum(axis=1)
        free = self._free.setdefault(hidden, np.full(len(sequences), fill_value=True))
        index = int(chance.choice(np.flatnonzero(free & (uses == uses[free].min()))))
        free[index] = False
        self._used[places, sequences[index]] += 1
        return tuple(self._names[one] for one in sequences[index])
