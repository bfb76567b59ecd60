"""What a sweep was asked for: the file ``sweep.json`` in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench import FhnbenchError, Recipe, write_whole

if TYPE_CHECKING:
    from pathlib import Path

SWEEP_SCHEMA = "fhnbench.sweep/1"
SETTINGS_FILE = "sweep.json"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the candidates of a plan are trained.

    Parameters
    ----------
    problem
        Name of the problem.
    recipes
        The whole recipe by family.
    seed
        Of weights and data.
    test_samples
        Test trajectories of each network.
    command
        The command that asked first.
    created
        When, UTC.
    environment
        Machine, packages and revision.
    """

    problem: str
    recipes: dict[str, Recipe]
    seed: int
    test_samples: int
    command: str
    created: str
    environment: dict[str, Any]
    schema: str = SWEEP_SCHEMA


def settle(folder: Path, asked: Settings) -> Settings:
    """Write what is asked, or make sure that it is what the folder's sweep was asked before; families may be added.

    Raises
    ------
    FhnbenchError
        If the folder holds another sweep; the message names what differs.
    """
    file = folder / SETTINGS_FILE
    settled = asked
    if file.exists():
        earlier = read_settings(folder)
        differing = [
            name for name in ("problem", "seed", "test_samples") if getattr(earlier, name) != getattr(asked, name)
        ]
        common = earlier.recipes.keys() & asked.recipes.keys()
        differing += [f"recipe of {name}" for name in sorted(common) if earlier.recipes[name] != asked.recipes[name]]
        if differing:
            raise FhnbenchError(f"{folder} holds a sweep with another {', '.join(differing)}; take another --output")
        settled = msgspec.structs.replace(earlier, recipes={**earlier.recipes, **asked.recipes})
    write_whole(file, msgspec.json.format(msgspec.json.encode(settled), indent=1) + b"\n")
    return settled


def read_settings(folder: Path) -> Settings:
    """Read the settings of a sweep.

    Raises
    ------
    FhnbenchError
        If there are none, or they cannot be read.
    """
    file = folder / SETTINGS_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Settings)
    except OSError as error:
        raise FhnbenchError(f"{file}: {error.strerror}; is {folder} the folder of a sweep?") from None
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"{file}: not the settings of a sweep: {error}") from None
