"""How a plan is shown: a table for the terminal and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fhnbench import answers, count, figure_png, house_style, table
from fhnbench_sweep.selection import count as count_of
from fhnbench_sweep.shapes import NAMES, SHAPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from fhnbench_sweep.plan import Plan
    from fhnbench_sweep.selection import Map


def show(plan: Plan, mapped: Map) -> None:
    """Print how many of how many architectures are selected, a row for each class, and the rules of the classes."""
    bins = bin_labels(plan)
    selected, existing = _counts(plan, mapped)
    output = answers()
    shown = table(
        ["class", *((f"{label} neurons" if not index else label, "right") for index, label in enumerate(bins))],
        title=f"Problem {plan.problem}: selected of all architectures, by class and neurons",
    )
    for name, ours, there in zip(NAMES, selected, existing, strict=True):
        shown.add_row(name, *(_cell(one, of) for one, of in zip(ours, there, strict=True)))
    shown.add_section()
    shown.add_row("all", *map(_cell, selected.sum(axis=0), existing.sum(axis=0)))
    output.print(shown)
    for shape in SHAPES:
        output.print(f"{shape.name}: {shape.rule}", highlight=False)


def picture(plan: Plan, mapped: Map) -> bytes:
    """Draw the selection as a PNG: by class and size, by layers and by activation."""
    with house_style():
        figure = Figure(figsize=(11, 6.2), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=[2.1, 1])
        figure.suptitle(
            f"Problem {plan.problem}: {len(plan.candidates)} of "
            f"{count(sum(count_of(groups, len(plan.space.activations)) for groups in mapped.values()))} architectures",
            x=0.01,
            horizontalalignment="left",
        )
        _draw_cells(figure.add_subplot(grid[:, 0]), plan, *_counts(plan, mapped))
        _draw_layers(figure.add_subplot(grid[0, 1]), plan)
        _draw_activations(figure.add_subplot(grid[1, 1]), plan)
        return figure_png(figure)


def bin_labels(plan: Plan) -> list[str]:
    """Return the bins of sizes as text."""
    return [f"{low}-{high}" for low, high in plan.space.size_bins]


def _counts(plan: Plan, mapped: Map) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return how many are selected and how many there are, each ``[class, bin]``."""
    shape = len(NAMES), len(plan.space.size_bins)
    selected, existing = np.zeros(shape, int), np.zeros(shape, int)
    for candidate in plan.candidates:
        selected[NAMES.index(candidate.shape), candidate.size_bin] += 1
    for (name, index), groups in mapped.items():
        existing[NAMES.index(name), index] = count_of(groups, len(plan.space.activations))
    return selected, existing


def _cell(selected: int, existing: int) -> str:
    return f"{selected} of {count(existing)}" if existing else "-"


def _draw_cells(axes: Axes, plan: Plan, selected: NDArray[np.int_], existing: NDArray[np.int_]) -> None:
    sns.heatmap(
        np.log10(np.maximum(existing, 1)),
        annot=np.char.replace(np.vectorize(_cell)(selected, existing), " of ", "\nof "),
        fmt="",
        annot_kws={"fontsize": 9.5},
        cmap="Blues",
        vmin=0,
        vmax=12,
        cbar=False,
        linewidths=2,
        xticklabels=bin_labels(plan),
        yticklabels=[f"{name}\n" for name in NAMES],
        ax=axes,
    )
    axes.set(xlabel="neurons of all hidden layers", title="selected, of how many there are (the more, the darker)")
    axes.tick_params(rotation=0, length=0)
    for row, name in enumerate(NAMES):
        example = _typical(plan, name)
        if example:
            _draw_glyph(axes, row, example)


def _typical(plan: Plan, shape: str) -> tuple[int, ...]:
    """Return the sizes of a class's candidate that has most layers, but at most five, to be drawn beside its name."""
    found = [one.hidden for one in plan.candidates if one.shape == shape and len(one.hidden) <= 5]
    return max(found, key=lambda hidden: (len(hidden), -sum(hidden)), default=())


def _draw_glyph(axes: Axes, row: int, hidden: tuple[int, ...]) -> None:
    """Draw layers as bars, from the input to the output, left of the axes below the class's name."""
    to_axes = axes.get_yaxis_transform()
    for layer, size in enumerate(hidden):
        height = 0.34 * size / max(hidden)
        place = (-0.115 + 0.02 * layer, row + 0.72 - height / 2)
        axes.add_patch(Rectangle(place, 0.013, height, transform=to_axes, color="0.35", clip_on=False))


def _draw_layers(axes: Axes, plan: Plan) -> None:
    layers = [len(one.hidden) for one in plan.candidates]
    values, numbers = np.unique(layers, return_counts=True)
    bars = axes.bar([str(value) for value in values], numbers, color="0.45", width=0.7)
    axes.bar_label(bars, fontsize=9)
    axes.grid(visible=False, axis="x")
    axes.set(xlabel="hidden layers", ylabel="candidates", title="by number of layers")


def _draw_activations(axes: Axes, plan: Plan) -> None:
    """Draw how often each activation is used, a part of the bar for each layer's position."""
    names, bottom = list(plan.space.activations), np.zeros(len(plan.space.activations))
    colours = sns.color_palette("cividis", plan.space.layers[1])
    for place, colour in enumerate(colours):
        used = [one.activations[place] for one in plan.candidates if place < len(one.hidden)]
        height = np.array([used.count(name) for name in names])
        axes.bar(names, height, bottom=bottom, color=colour, width=0.7, label=f"{place + 1}", edgecolor="white")
        bottom += height
    axes.grid(visible=False, axis="x")
    axes.set(ylabel="layers", title="by activation")
    axes.legend(title="in layer", fontsize=8, title_fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
