"""The picture of the experiment itnn-failures: an example of each mode, and how often each occurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhnbench_paper.failures import Kind
from fhnbench_paper.pictures import COLOURS, drawing, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_TITLES = {Kind.EQUILIBRIUM: "II: equilibrium", Kind.SHIFT: "I: temporal shift"}
_HATCHES = {Kind.ACCURATE: "", Kind.SHIFT: "//", Kind.EQUILIBRIUM: "..", Kind.DIVERGED: "xx", Kind.OTHER: ""}
_FILLS: dict[Kind, Any] = {
    Kind.ACCURATE: "0.85",
    Kind.SHIFT: COLOURS[0],
    Kind.EQUILIBRIUM: COLOURS[1],
    Kind.DIVERGED: COLOURS[3],
    Kind.OTHER: "0.55",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One rollout ``[T, 2]`` and its reference.

    Parameters
    ----------
    label
        What was rolled out.
    share
        Share of its rollouts that fail so.
    times, states, reference
        The trajectories.
    shift
        In time units, at the last event that it shares with the reference; None without one.
    """

    label: str
    share: float
    times: NDArray[Any]
    states: NDArray[Any]
    reference: NDArray[Any]
    shift: float | None


def draw(examples: Mapping[Kind, Example], shares: Mapping[str, Mapping[str, float]]) -> bytes:
    """Draw an example of each mode, and the shares of all kinds for each method."""
    with drawing(13, 4.0) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
        for axes, kind in ((left, Kind.EQUILIBRIUM), (middle, Kind.SHIFT)):
            axes.set_title(_TITLES[kind])
            axes.set_xlabel("time (time units)")
            axes.set_ylim(-2.6, 3.4)
            if kind in examples:
                _draw_example(axes, examples[kind])
            else:
                axes.set_xticks([])
                axes.text(0.5, 0.5, "hardly a rollout fails so", transform=axes.transAxes, ha="center")
        left.set_ylabel("u, w (dimensionless)")
        _draw_shares(right, shares)
        return png(figure)


def _draw_example(axes: Axes, example: Example) -> None:
    for variable, name in enumerate("uw"):
        colour = COLOURS[variable]
        axes.plot(example.times, example.states[:, variable], color=colour, linewidth=1.8, label=f"{name}, network")
        axes.plot(
            example.times,
            example.reference[:, variable],
            color=colour,
            linestyle="--",
            linewidth=1.2,
            label=f"{name}, reference",
        )
    if example.shift is not None:
        axes.text(0.98, 0.03, f"last event {example.shift:+.1f} time units", transform=axes.transAxes, ha="right")
    axes.set_title(f"{axes.get_title()} ({example.label})", fontsize=9)
    axes.legend(fontsize=8, ncols=2, loc="upper center")


def _draw_shares(axes: Axes, shares: Mapping[str, Mapping[str, float]]) -> None:
    methods = list(shares)[::-1]
    left = [0.0] * len(methods)
    for kind in Kind:
        widths = [100 * shares[method][kind.name.lower()] for method in methods]
        axes.barh(
            methods,
            widths,
            left=left,
            color=_FILLS[kind],
            hatch=_HATCHES[kind],
            edgecolor="white",
            label=_TITLES.get(kind, kind.name.lower()),
        )
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set(xlim=(0, 100), xlabel="share of rollouts (%), mean over networks", title="how rollouts end")
    axes.grid(visible=False, axis="y")
    axes.legend(fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2))
