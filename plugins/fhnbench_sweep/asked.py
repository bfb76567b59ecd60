"""What the commands that train are asked: a plan, families, a recipe and what replaces its values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench import FhnbenchError, environment
from fhnbench_sweep.plan import decode_plan
from fhnbench_sweep.recipes import recipe_of
from fhnbench_sweep.settings import Settings
from fhnbench_sweep.training import require_trainable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fhnbench_sweep.plan import Plan


def read_plan(file: Path) -> tuple[bytes, Plan]:
    """Return what a file holds and the plan that it is; raises `FhnbenchError`, with the file's name."""
    content = file.read_bytes()
    try:
        return content, decode_plan(content)
    except FhnbenchError as error:
        raise FhnbenchError(f"{file}: {error}") from None


def names_in(text: str) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def words_of(command: str, plan: Path, families: Sequence[str], recipe: str, overrides: Sequence[str]) -> list[str]:
    """Return the words of a command that trains, as far as the commands have options in common."""
    words = ["fhnbench", "sweep", command, str(plan), "--family", ",".join(families), "--recipe", recipe]
    return words + [word for text in overrides for word in ("--set", text)]


def settings_of(
    problem: str, families: Sequence[str], recipe: str, values: Mapping[str, Any], seed: int, tests: int, command: str
) -> Settings:
    """Return how candidates are trained.

    Raises
    ------
    FhnbenchError
        If there is no such family or recipe, or stacks cannot be trained with it.
    """
    recipes = {name: recipe_of(name, problem, recipe, values) for name in families}
    for one in recipes.values():
        require_trainable(one)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Settings(
        problem=problem, recipes=recipes, seed=seed, test_samples=tests, command=command, created=created,
        environment=msgspec.to_builtins(environment()),
    )  # fmt: skip
