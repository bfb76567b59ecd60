"""``fhnbench sweep run``."""

from __future__ import annotations

import click

from fhnbench import FhnbenchError


@click.command()
def command() -> None:
    """Not written yet."""
    raise FhnbenchError("fhnbench sweep run is not written yet")
