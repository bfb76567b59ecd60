"""``fhnbench sweep run``: train the candidates of a plan, many at a time."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhnbench import named_values, reporting
from fhnbench_sweep.settings import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fhnbench_sweep.outcome import Outcome
    from fhnbench_sweep.plan import Candidate
    from fhnbench_sweep.running import Result
    from fhnbench_sweep.settings import Settings
    from fhnbench_sweep.store import Store

QUICK_CANDIDATES, QUICK_STEPS = 60, 1_000


@click.command(short_help="Train the candidates of a plan, many at a time.")
@click.argument("plan", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of the sweep   [default: results/sweep/PROBLEM].",
)  # fmt: skip
@click.option(
    "--family", "families", default="ddnn", show_default=True, metavar="NAME[,NAME...]", help="What to train."
)
@click.option("--recipe", default="sweep", show_default=True, help="The sweep's recipe, or one of the families'.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Replace a value of the recipe.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Of weights and data.")
@click.option(
    "--test-samples", default=10_000, show_default=True, type=click.IntRange(2), help="Test trajectories of a network."
)
@click.option("--quick", is_flag=True, help=f"{QUICK_CANDIDATES} candidates, few steps: less than five minutes.")
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]), help="Where to train.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of a process.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Train in N processes on this machine (Dask).")
@click.option("--scheduler", metavar="ADDRESS", help="Train on the workers of a Dask scheduler.")
@click.option(
    "--frontier-seeds", default=0, show_default=True, type=click.IntRange(0, 100), metavar="N",
    help="Train what is best for its size with N seeds in all.",
)  # fmt: skip
def command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    plan: Path,
    output: Path | None,
    families: str,
    recipe: str,
    overrides: tuple[str, ...],
    seed: int,
    test_samples: int,
    quick: bool,
    device: str,
    threads: int,
    workers: int | None,
    scheduler: str | None,
    frontier_seeds: int,
) -> None:
    """Train the candidates in the file PLAN, and keep errors and weights in DIR.

    Networks of like sizes are trained as one batch. What is trained is kept at once: killed and started again, the
    command goes on with the batches that are missing. A network whose loss is not finite is a record with the reason.
    """
    if workers and scheduler:
        raise click.UsageError("--workers and --scheduler exclude each other")
    from fhnbench_sweep.asked import names_in, read_plan, settings_of, words_of
    from fhnbench_sweep.store import Store

    content, planned = read_plan(plan)
    named = names_in(families)
    words = words_of("run", plan, named, recipe, overrides)
    words += ["--seed", str(seed), "--test-samples", str(test_samples), *(["--quick"] if quick else [])]
    values = ({"steps": QUICK_STEPS} if quick else {}) | named_values("--set", overrides)
    asked = settings_of(planned.problem, named, recipe, values, seed, test_samples, shlex.join(words))
    folder = output or Path("results", "sweep", planned.problem)
    store = Store(folder, content)
    candidates = list(planned.candidates)
    if quick:
        candidates = candidates[:: max(1, len(candidates) // QUICK_CANDIDATES)][:QUICK_CANDIDATES]
    training = _Sweep(
        store, settle(folder, asked), {"device": device, "threads": threads}, _trainer(workers, scheduler)
    )
    training.train(candidates, named, seed)
    for name in named:
        best = best_by_size(store.outcomes, candidates, name, seed)
        for other in range(seed + 1, seed + frontier_seeds):
            training.train(best, [name], other)
    _answer(store.outcomes, training.settings, folder)


def _trainer(workers: int | None, scheduler: str | None) -> Callable[[Sequence[bytes]], Iterable[Result]]:
    from fhnbench_sweep.running import here, on_dask

    return partial(on_dask, workers=workers or 0, scheduler=scheduler or "") if workers or scheduler else here


@dataclass(frozen=True)
class _Sweep:
    """A sweep that is under way: its store, what was asked, where jobs run and what trains them."""

    store: Store
    settings: Settings
    where: Mapping[str, Any]
    trainer: Callable[[Sequence[bytes]], Iterable[Result]]

    def train(self, candidates: Sequence[Candidate], families: Sequence[str], seed: int) -> None:
        """Train what has no outcome."""
        from fhnbench_sweep.running import jobs_of, run_jobs

        jobs = jobs_of(candidates, self.settings, families, seed, self.store.done, **self.where)
        if jobs:
            with reporting(f"problem {self.settings.problem}") as report:
                run_jobs(jobs, self.store, report, self.trainer)


def best_by_size(
    outcomes: Sequence[Outcome], candidates: Sequence[Candidate], family: str, seed: int
) -> list[Candidate]:
    """Return the candidates of a family that no smaller one beats, by their validation errors."""
    errors = {
        one.candidate: one.validation_mae
        for one in outcomes
        if (one.family, one.seed) == (family, seed) and one.validation_mae is not None and one.status == "trained"
    }
    best: list[Candidate] = []
    least = float("inf")
    for one in sorted(candidates, key=lambda one: (one.neurons, errors.get(one.name, float("inf")))):
        error = errors.get(one.name)
        if error is not None and error < least:
            least = error
            best.append(one)
    return best


def _answer(outcomes: Sequence[Outcome], settings: Settings, folder: Path) -> None:
    for family in settings.recipes:
        main = [one for one in outcomes if one.family == family and one.seed == settings.seed]
        trained = [one for one in main if one.status == "trained"]
        failed = len(main) - len(trained)
        line = f"{family}: {len(trained)} trained" + (f", {failed} failed" if failed else "")
        if trained:
            best = min(trained, key=lambda one: one.validation_mae or float("inf"))
            line += f"; best on validation: {best.candidate}, test MAE {best.test['mae']:.2e}"
        click.echo(line)
    click.echo(f"Results: {folder} (analyse them: fhnbench sweep report {folder})")
