"""``fhnbench sweep plan``: select the architectures of a study."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from fhnbench import Activation, FhnbenchError, standard_problem, suggestion, write_whole
from fhnbench_sweep.plan import Space, encode_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LAYERS = 6
"""Of more layers there are too many architectures to map them all."""

_SPACE = Space()


@click.command(short_help="Map all architectures and select some evenly.")
@click.option("--problem", default="C", show_default=True, metavar="A|B|C", help="Problem that they are for.")
@click.option("--candidates", default=800, show_default=True, type=click.IntRange(1), help="How many to select.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Of the selection.")
@click.option(
    "--layers",
    default=_SPACE.layers,
    show_default=True,
    nargs=2,
    type=click.IntRange(1, MOST_LAYERS),
    metavar="MIN MAX",
    help="Hidden layers.",
)
@click.option(
    "--neurons",
    default=_SPACE.neurons,
    show_default=True,
    nargs=2,
    type=click.IntRange(1),
    metavar="MIN MAX",
    help="Neurons of all hidden layers together.",
)
@click.option(
    "--activations",
    default=",".join(_SPACE.activations),
    show_default=True,
    metavar="NAME[,NAME...]",
    help="What each hidden layer may have.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("plan.json"), show_default=True,
    metavar="FILE", help="The plan; its picture lies beside it.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the plan that is there.")
def command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    problem: str,
    candidates: int,
    seed: int,
    layers: tuple[int, int],
    neurons: tuple[int, int],
    activations: str,
    output: Path,
    overwrite: bool,
) -> None:
    """Map every architecture of a space and select candidates evenly over their classes and sizes.

    The classes are square, rectangle, funnel, bowtie, bottleneck and other, by the sizes of the hidden layers. The
    plan is a file to read, to edit and to give to `fhnbench sweep run`; a picture of it is written beside it.
    """
    space = _space(layers, neurons, activations)
    problem = standard_problem(problem).name
    if output.exists() and not overwrite:
        raise FhnbenchError(f"{output} exists; give --overwrite to replace it, or another --output")
    from fhnbench_sweep.plan_report import picture, show
    from fhnbench_sweep.selection import every_architecture, select

    words = ["fhnbench", "sweep", "plan", "--problem", problem, "--candidates", candidates, "--seed", seed]
    words += ["--layers", *layers, "--neurons", *neurons, "--activations", ",".join(space.activations)]
    mapped = every_architecture(space)
    plan = select(problem, space, mapped, candidates, seed, shlex.join(map(str, words)))
    write_whole(output.with_suffix(".png"), picture(plan, mapped))
    write_whole(output, encode_plan(plan))
    show(plan, mapped)
    click.echo(f"{output}: {len(plan.candidates)} candidates; picture: {output.with_suffix('.png')}")


def _space(layers: tuple[int, int], neurons: tuple[int, int], activations: str) -> Space:
    for what, (fewest, most) in {"--layers": layers, "--neurons": neurons}.items():
        if fewest > most:
            raise FhnbenchError(f"{what} {fewest} {most}: the first number is the least")
    names = tuple(name.strip() for name in activations.split(","))
    known = [name for name in get_args(Activation) if name != "identity"]
    for name in names:
        if name not in known:
            raise FhnbenchError(f"no activation {name!r}; {suggestion(name, known)}")
    if repeated := _repeated(names):
        raise FhnbenchError(f"--activations: {repeated} is given twice")
    return Space(layers=layers, neurons=neurons, activations=names)


def _repeated(names: Sequence[str]) -> str:
    return next((name for name in names if names.count(name) > 1), "")
