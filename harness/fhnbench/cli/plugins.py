"""``fhnbench plugins``: every contender that is installed, and what each one's options are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fhnbench.cli._completion import Contender
from fhnbench.plugins.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench.plugins.registry import Entry, Registry
    from fhnbench.plugins.specs import Spec


@click.command()
@click.argument("name", required=False, type=Contender("solver", "surrogate"))
def command(name: str | None) -> None:
    """Show every contender, or the options and documentation of one.

    NAME is a solver (euler-cpu), a surrogate family (ddnn), a runtime (cpu) or a surrogate contender (ddnn-cpu).
    """
    from fhnbench.report.plugins import describe, overview

    if name is None:
        overview(registry())
    else:
        for entry in _named(registry(), name):
            describe(entry)


def _named(found: Registry, name: str) -> Iterator[Entry[Spec]]:
    """Yield what a name may mean: everything of that very name, or else a family and a runtime."""
    from fhnbench.plugins.contender import kind_of, request

    exact = [entry for entry in found.items if entry.spec.name == name]
    yield from exact or request(name, kind_of(name, found), found).entries
