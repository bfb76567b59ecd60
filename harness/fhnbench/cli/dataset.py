"""``fhnbench dataset``: build, show and validate HDF5 datasets."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from fhnbench.dataset.spec import EVALUATION_SEED, DatasetSpec
from fhnbench.dataset.standard import dataset_folder
from fhnbench.problem import FitzHughNagumo, Sampling, standard_problem
from fhnbench.report.console import answers, progress_bar, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fhnbench.dataset.reader import Dataset

FILE = click.argument("file", type=click.Path(path_type=Path))
MODEL = FitzHughNagumo()


@click.group()
def command() -> None:
    """Build, show and validate datasets: inputs and converged reference trajectories in one HDF5 file."""


@command.command()
@click.argument("problem", metavar="A|B|C")
@click.option("-n", "--size", default=100_000, show_default=True, help="Number of samples.")
@click.option("--sampling", type=click.Choice(get_args(Sampling)), default="uniform", show_default=True)
@click.option("--seed", default=EVALUATION_SEED, show_default=True, help="Seed of the sampling.")
@click.option("--output", type=click.Path(path_type=Path), help="File to write; by default named for what it holds.")
@click.option("--a", default=MODEL.a, show_default=True, help="Model parameter.")
@click.option("--b", default=MODEL.b, show_default=True, help="Model parameter.")
@click.option("--c", default=MODEL.c, show_default=True, help="Model parameter.")
@click.option("--tau", default=MODEL.tau, show_default=True, help="Model parameter.")
@click.option("--horizon", default=50.0, show_default=True, help="End of the simulation, in time units.")
@click.option("--save-interval", default=1.0, show_default=True, help="Distance of save points, in time units.")
@click.option("--training-step", type=float, help="Store Euler trajectories with this step too, as training data.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def build(  # noqa: PLR0913, PLR0917 - one argument an option
    problem: str,
    size: int,
    sampling: Sampling,
    seed: int,
    output: Path | None,
    a: float,
    b: float,
    c: float,
    tau: float,
    horizon: float,
    save_interval: float,
    training_step: float | None,
    overwrite: bool,
) -> None:
    """Build a dataset of PROBLEM: A (only time varies), B (and the initial state) or C (and the applied current).

    Errors are measured against float64 RK4, whose convergence is shown and stored. The file goes to the folder
    datasets (or that of the environment variable FHNBENCH_DATASETS) unless --output is given.
    """
    from fhnbench.dataset.build import build_dataset

    model = FitzHughNagumo(a=a, b=b, c=c, tau=tau)
    full = standard_problem(problem, horizon=horizon, save_interval=save_interval, model=model)
    spec = DatasetSpec(full, size, sampling, seed, training_step)
    path = output or dataset_folder() / spec.filename
    with _progress(f"Building {path.name}") as progress:
        dataset = build_dataset(spec, path, overwrite=overwrite, progress=progress)
    _describe(dataset)


@command.command()
@FILE
def show(file: Path) -> None:
    """Show what FILE holds, without verifying its digest."""
    from fhnbench.dataset.reader import open_dataset

    _describe(open_dataset(file, verify=False))


@command.command()
@FILE
def validate(file: Path) -> None:
    """Read all of FILE and verify that it is whole, consistent and unchanged since it was built."""
    from fhnbench.dataset.reader import open_dataset

    with _progress(f"Reading {file.name}") as progress:
        dataset = open_dataset(file, progress=progress)
    click.echo(f"{file}: valid, {dataset.size:,} samples of problem {dataset.problem.name}, sha256 {dataset.digest}")


@contextlib.contextmanager
def _progress(description: str) -> Iterator[Callable[[float], None]]:
    with progress_bar() as bar:
        task = bar.add_task(description, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _describe(dataset: Dataset) -> None:
    spec, problem, evidence = dataset.spec, dataset.problem, dataset.evidence
    model = problem.model
    rows = {
        "file": f"{dataset.path} ({dataset.path.stat().st_size / 1e6:.1f} MB)",
        "problem": f"{problem.name}, {dataset.size:,} samples, {dataset.sampling}, seed {dataset.seed}",
        "ranges": ", ".join(f"{name} {_range(getattr(problem, name))}" for name in ("u0", "w0", "i_app")),
        "times": f"0 to {problem.horizon:g}, every {problem.save_interval:g}: {problem.save_points} save points",
        "model": f"a {model.a:g}, b {model.b:g}, c {model.c:g}, tau {model.tau:g}",
        "reference": f"{evidence.method}, float64, step {evidence.dt:g}",
        "convergence": f"halving the step to it: mean change {evidence.mean_change:.1e}, max {evidence.max_change:.1e}",
        "error floor": f"{dataset.error_floor:.1e} (a smaller mean error says nothing)",
        "training data": "none" if spec.training_dt is None else f"euler, step {spec.training_dt:g}",
        "written": f"{dataset.created} by fhnbench {dataset.package_version}",
        "sha256": dataset.digest,
    }
    result = table(["", ""])
    result.show_header = False
    for name, value in rows.items():
        result.add_row(name, value)
    answers().print(result)


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"[{ends[0]:g}, {ends[1]:g}]"
