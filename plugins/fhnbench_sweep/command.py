"""``fhnbench sweep``: the group of its commands, each imported only when it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fhnbench import import_target

if TYPE_CHECKING:
    from collections.abc import Mapping

_TARGETS: Mapping[str, str] = {
    "plan": "fhnbench_sweep.plan_command:command",
    "run": "fhnbench_sweep.run_command:command",
    "speed": "fhnbench_sweep.speed_command:command",
    "report": "fhnbench_sweep.report_command:command",
}


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_TARGETS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _TARGETS:
            return None
        command: click.Command = import_target(_TARGETS[cmd_name])
        return command


@click.group(cls=_Group, short_help="Plan, train and analyse many architectures.")
def command() -> None:
    """Plan many networks, train them many at a time, and analyse what predicts their accuracy."""
