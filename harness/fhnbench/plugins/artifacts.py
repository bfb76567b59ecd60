"""Finding the artifact that a surrogate contender evaluates: those that ship with plugins, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fhnbench.artifact import ArtifactMetadata, load_metadata
from fhnbench.errors import FhnbenchError, Unavailable
from fhnbench.plugins.specs import find_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fhnbench.plugins.registry import Entry
    from fhnbench.plugins.specs import SurrogateSpec
    from fhnbench.problem import Problem

SELECTORS: dict[str, Callable[[ArtifactMetadata], str]] = {
    "artifact": lambda _: "",
    "hidden": lambda metadata: "x".join(map(str, metadata.structure.hidden)),
    "activation": lambda metadata: "-".join(dict.fromkeys(metadata.structure.hidden_activations)),
    "recipe": lambda metadata: metadata.training.recipe,
}
"""What an artifact can be selected by, and how its metadata says it; ``artifact`` is a path."""

_IN_OPTIONS = {"hidden": "x", "activation": "-", "recipe": ","}
"""Selectors that are options of training too, and what separates their values where training has commas."""


def artifact_folder() -> Path:
    """Return the folder of the user's own artifacts: ``$FHNBENCH_ARTIFACTS``, else ``artifacts/`` below the current."""
    return Path(os.environ.get("FHNBENCH_ARTIFACTS", "artifacts"))


def shipped_folder(spec: SurrogateSpec) -> Path | None:
    """Return the folder of the artifacts that ship with a family, or None."""
    found = find_package(spec.artifacts) if spec.artifacts else None
    return Path(found.origin).parent / "artifacts" if found and found.origin else None


def artifacts_of(entry: Entry[SurrogateSpec]) -> Iterator[tuple[Path, ArtifactMetadata]]:
    """Yield the artifacts of a family, the user's own first, each folder in order of names.

    Raises
    ------
    InvalidArtifact
        If a file is damaged; the message names it.
    """
    for folder in (artifact_folder(), shipped_folder(entry.spec)):
        for path in sorted(folder.glob("*.safetensors")) if folder else ():
            metadata = load_metadata(path)
            if metadata.family == entry.spec.name:
                yield path, metadata


def select_artifact(entry: Entry[SurrogateSpec], problem: Problem, selectors: Mapping[str, str]) -> Path:
    """Return the file of the artifact that fits a problem and the selectors, the one of least validation error.

    Raises
    ------
    Unavailable
        If none fits; the message holds the command that trains one.
    """
    if "artifact" in selectors:
        path = Path(selectors["artifact"])
        family = load_metadata(path).family
        if family != entry.spec.name:
            raise FhnbenchError(f"{path}: an artifact of {family}, not of {entry.spec.name}")
        return path
    fitting = fitting_artifacts(entry, problem, selectors)
    if not fitting:
        wanted = "".join(f", {key}={value}" for key, value in selectors.items())
        options = "".join(
            f" --{key} {selectors[key].replace(mark, ',')}" for key, mark in _IN_OPTIONS.items() if key in selectors
        )
        raise Unavailable(
            f"no artifact of {entry.spec.name} for problem {problem.name}{wanted}; "
            f"train one: fhnbench train {entry.spec.name} --problem {problem.name}{options}"
        )
    return fitting[0][1]


def fitting_artifacts(
    entry: Entry[SurrogateSpec], problem: Problem, selectors: Mapping[str, str]
) -> list[tuple[float, Path, ArtifactMetadata]]:
    """Return validation error, file and metadata of the artifacts that fit a problem and selectors, the best first."""
    fitting = [
        (metadata.validation.get("mae", float("inf")), path, metadata)
        for path, metadata in artifacts_of(entry)
        if metadata.problem.name == problem.name
        and metadata.problem.model == problem.model
        and metadata.problem.save_interval == problem.save_interval
        and all(SELECTORS[key](metadata) == value for key, value in selectors.items())
    ]
    return sorted(fitting, key=lambda found: found[:2])


def uncovered(metadata: ArtifactMetadata, problem: Problem) -> str | None:
    """Return in what way a problem lies outside what an artifact was trained for, or None if it does not."""
    trained = metadata.problem
    for name in ("u0", "w0", "i_app"):
        low, high = getattr(problem, name)
        trained_low, trained_high = getattr(trained, name)
        if low < trained_low or high > trained_high:
            return f"{name} in [{low:g}, {high:g}] lies outside the training range [{trained_low:g}, {trained_high:g}]"
    if problem.horizon > trained.horizon:
        return f"the horizon {problem.horizon:g} lies beyond the trained {trained.horizon:g}"
    if problem.save_interval != trained.save_interval:
        return f"the save interval is {problem.save_interval:g}, trained was {trained.save_interval:g}"
    if problem.model != trained.model:
        return f"the model is {problem.model}, trained was {trained.model}"
    return None
