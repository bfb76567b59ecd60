"""``fhnbench train``: train a surrogate and write its artifact."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhnbench.cli._numbers import POSITIVE
from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench.plugins.interfaces import SurrogateFamily
    from fhnbench.plugins.training import TrainingData, TrainingProgress, TrainingTask
    from fhnbench.problem import Problem


@click.command(short_help="Train a surrogate and write its artifact.")
@click.argument("family")
@click.option("--problem", metavar="A|B|C", help="Problem to train for   [default: C, or the dataset's].")
@click.option("--hidden", metavar="N,N...", help="Sizes of the hidden layers   [default: 64,64 or the family's].")
@click.option("--activation", metavar="NAME[,NAME...]", help="One, or one a layer   [default: tanh or the family's].")
@click.option("--recipe", default="best", show_default=True, metavar="NAME", help="paper, best, or another's own.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Of weights and data.")
@click.option("--samples", type=click.IntRange(min=0), help="Size of a fixed training set; 0: fresh trajectories.")
@click.option("--steps", type=click.IntRange(min=0), help="First-order steps.")
@click.option("--time-budget", type=POSITIVE, metavar="SECONDS", help="Instead of steps.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Replace a value of the recipe.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Set an option of the family.")
@click.option("--dataset", type=click.Path(path_type=Path), metavar="FILE", help="Train on the trajectories of a file.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="The artifact (default: artifacts/...)."
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: all].")
def command(family: str, options: tuple[str, ...], output: Path | None, overwrite: bool, **asked: Any) -> int:
    """Train a surrogate of FAMILY (ddnn, pinn, itnn, ...) and write its artifact.

    An interrupted training goes on where it stopped when the same command is given again.
    """
    from fhnbench.plugins.named import surrogate_family
    from fhnbench.plugins.options import named_values

    chosen = named_values("--option", options)
    surrogate = surrogate_family(family, chosen)
    task = _task(family, surrogate, chosen, **asked)
    target = output or _default_output(task)
    if target.exists() and not overwrite:
        raise FhnbenchError(f"{target} exists; give --overwrite to replace it, or another --output")
    return _train(surrogate, dataclasses.replace(task, checkpoint=target.with_suffix(".checkpoint")), target)


def _task(family: str, surrogate: SurrogateFamily, options: dict[str, str], **asked: Any) -> TrainingTask:
    from fhnbench.plugins.options import named_values
    from fhnbench.plugins.training import TrainingTask

    data, problem = _problem(asked["dataset"], asked["problem"])
    hidden = _hidden(asked["hidden"]) if asked["hidden"] else surrogate.hidden
    if asked["activation"] and not surrogate.activation:
        raise FhnbenchError(f"{family} has no activations to choose from; leave out --activation")
    names = tuple(filter(None, (asked["activation"] or surrogate.activation).split(",")))
    overrides: dict[str, Any] = dict(named_values("--set", asked["settings"]))
    overrides |= {name: asked[name] for name in ("samples", "steps") if asked[name] is not None}
    return TrainingTask(
        family=family,
        problem=problem,
        hidden=hidden,
        activations=names * len(hidden) if len(names) == 1 else names,
        recipe=asked["recipe"],
        seed=asked["seed"],
        overrides=overrides,
        options=options,
        time_budget=asked["time_budget"],
        data=data,
        device=asked["device"],
        threads=asked["threads"] or len(os.sched_getaffinity(0)),
    )


def _default_output(task: TrainingTask) -> Path:
    from fhnbench.plugins.artifacts import artifact_folder

    parts = [task.family, task.problem.name, "x".join(map(str, task.hidden)), *dict.fromkeys(task.activations)]
    parts += [] if task.recipe == "best" else [task.recipe]
    return artifact_folder() / f"{'-'.join(parts)}.safetensors"


def _train(surrogate: SurrogateFamily, task: TrainingTask, target: Path) -> int:
    from fhnbench.report.console import answers, notices

    if task.checkpoint.exists():
        notices().print(f"Going on from {task.checkpoint}.", highlight=False)
    try:
        with _shown(task) as shown:
            artifact = surrogate.train(shown)
    except KeyboardInterrupt:
        kept = "nothing is kept yet"
        if task.checkpoint.exists():
            kept = f"the best weights so far are kept in {task.checkpoint}, and the same command goes on from there"
        notices().print(f"Interrupted; {kept}.", highlight=False, soft_wrap=True)
        return ExitStatus.INTERRUPTED
    artifact.save(target)
    errors, training = artifact.metadata.validation, artifact.metadata.training
    steps = "1 step" if training.steps == 1 else f"{training.steps:,} steps"
    answers().print(
        f"{target}: MAE {errors['mae']:.2e}, p99.9 {errors['p999']:.2e} on {errors['samples']:,.0f} test trajectories "
        f"after {steps} in {training.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    return ExitStatus.OK


@contextlib.contextmanager
def _shown(task: TrainingTask) -> Iterator[TrainingTask]:
    """Give the task with a report that is shown: a bar on a terminal, else a line for each tenth of the training."""
    from fhnbench.report.console import notices
    from fhnbench.report.progress import reporting

    console = notices()
    tenth = -1
    with reporting("training") as show:

        def report(progress: TrainingProgress) -> None:
            nonlocal tenth
            fraction = progress.step / progress.steps
            text = (
                f"loss {progress.loss:.2e}, validation MAE {progress.validation_mae:.2e}, best {progress.best_mae:.2e}"
            )
            show(text, fraction)
            if not console.is_terminal and int(10 * fraction) > tenth:
                tenth = int(10 * fraction)
                line = f"step {progress.step:,} of {progress.steps:,}: {text}, {progress.remaining_s:.0f} s left"
                console.print(line, highlight=False, soft_wrap=True)

        yield dataclasses.replace(task, report=report)


def _problem(dataset: Path | None, name: str | None) -> tuple[TrainingData | None, Problem]:
    """Return the trajectories to train on, if any, and the problem."""
    from fhnbench.problem import standard_problem

    if dataset is None:
        return None, standard_problem(name or "C")
    from fhnbench.dataset.reader import open_dataset
    from fhnbench.plugins.training import TrainingData

    opened = open_dataset(dataset)
    if name is not None and name.upper() != opened.problem.name:
        raise FhnbenchError(f"{dataset}: a dataset of problem {opened.problem.name}, not of {name.upper()}")
    states = opened.training_states()
    data = TrainingData(str(dataset), opened.digest, opened.ensemble, opened.reference() if states is None else states)
    return data, opened.problem


def _hidden(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.replace("x", ",").split(","))
    except ValueError:
        raise FhnbenchError(f"--hidden {text!r}: give layer sizes as in 64,64") from None
