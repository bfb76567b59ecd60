"""``fhnbench sweep speed``: what training many networks at a time is worth on this machine."""

from __future__ import annotations

import shlex
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from fhnbench import answers, count, named_values, reporting, table, usable_cpus, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_sweep.throughput import Throughput

SPEED_SCHEMA = "fhnbench.sweep-speed/1"


@click.command(short_help="Measure the training of a plan, stacked and one by one.")
@click.argument("plan", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Keep the figures as JSON."
)
@click.option(
    "--family", "families", default="ddnn", show_default=True, metavar="NAME[,NAME...]", help="What to train."
)
@click.option("--recipe", default="sweep", show_default=True, help="The sweep's recipe, or one of the families'.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Replace a value of the recipe.")
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]), help="Where to train.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes for stacks   [default: CPUs].")
@click.option("--alone", default=40, show_default=True, type=click.IntRange(1), help="Networks to train one by one.")
@click.option("--steps", default=10, show_default=True, type=click.IntRange(1), help="Of a network in a round.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(2), help="How often both are timed.")
def command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    plan: Path,
    output: Path | None,
    families: str,
    recipe: str,
    overrides: tuple[str, ...],
    device: str,
    workers: int | None,
    alone: int,
    steps: int,
    rounds: int,
) -> None:
    """Measure how many training steps a second the candidates in the file PLAN take: in stacks, and one by one.

    One by one is plain torch: a module, Adam and a backward pass, with the number of threads that is faster.
    Validation and test, which both need alike, are left out.
    """
    from fhnbench_sweep.asked import names_in, read_plan, settings_of, words_of
    from fhnbench_sweep.running import jobs_of
    from fhnbench_sweep.throughput import measure_throughput

    _, planned = read_plan(plan)
    named = names_in(families)
    words = words_of("speed", plan, named, recipe, overrides)
    settings = settings_of(planned.problem, named, recipe, named_values("--set", overrides), 0, 2, shlex.join(words))
    found = []
    for family in named:
        jobs = jobs_of(planned.candidates, settings, [family], 0, set(), device=device)
        with reporting(family) as report:
            one = measure_throughput(
                jobs, workers=workers or usable_cpus(), alone=alone, steps=steps, rounds=rounds, report=report
            )
        found.append(one)
    _show(found)
    if output:
        record = {"schema": SPEED_SCHEMA, "settings": settings, "families": found}
        write_whole(output, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        click.echo(f"Figures: {output}")


def _show(found: Sequence[Throughput]) -> None:
    shown = table(["family", *((name, "right") for name in ("networks", "samples", "stacked /s", "alone /s", "ratio"))])
    for one in found:
        stacked, alone = (count(statistics.median(rates)) for rates in (one.stacked, one.alone))
        ratio = f"{one.ratio:.3g} [{one.low:.3g}, {one.high:.3g}]"
        shown.add_row(one.family, str(one.networks), str(one.samples), stacked, alone, ratio)
    answers().print(shown)
    click.echo("Networks x steps a second; alone: plain torch, one network after another.")
