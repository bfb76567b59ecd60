"""The command line: ``fhnbench`` and ``python -m fhnbench``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

import click

import fhnbench
import fhnbench.cli
from fhnbench.errors import FhnbenchError
from fhnbench.exit_status import ExitStatus
from fhnbench.plugins.registry import registry
from fhnbench.plugins.specs import CommandSpec, import_target

if TYPE_CHECKING:
    from collections.abc import Sequence


class Commands(click.Group):
    """The commands: one module of `fhnbench.cli` each, and those that plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names."""
        return sorted({*_own_commands(), *(entry.spec.name for entry in registry().entries(CommandSpec))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; a plugin's is imported only when it is called."""
        if cmd_name in _own_commands():
            command: click.Command = importlib.import_module(f"fhnbench.cli.{cmd_name}").command
            command.name = cmd_name
            return command
        if cmd_name in self.list_commands(ctx):
            return _PluginCommand(registry().find(CommandSpec, cmd_name).spec)
        return None


def _own_commands() -> list[str]:
    return [name for _, name, _ in pkgutil.iter_modules(fhnbench.cli.__path__) if not name.startswith("_")]


class _PluginCommand(click.Command):
    """A plugin's command as ``fhnbench --help`` lists it; the real one is imported when it is called."""

    def __init__(self, spec: CommandSpec) -> None:
        super().__init__(spec.name, help=spec.summary)
        self._target = spec.target

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Import the command and hand over to it."""
        command: click.Command = import_target(self._target)
        return command.make_context(info_name, args, parent, **extra)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(fhnbench.__version__, prog_name="fhnbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Classical solvers against neural surrogates of the FitzHugh-Nagumo model, measured fairly.

    Start with: fhnbench run
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given  # wherever it stands, since that is where people type it
    try:
        status = cli.main([word for word in given if word != "--debug"], prog_name="fhnbench", standalone_mode=False)
    except click.ClickException as error:
        _show(error)
        return ExitStatus.USER_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return ExitStatus.INTERRUPTED
    except FhnbenchError as error:
        if debug:
            raise
        click.echo(f"Error: {error}", err=True)
        return ExitStatus.USER_ERROR
    return int(status or ExitStatus.OK)


def _show(error: click.ClickException) -> None:
    """Print in one line what is wrong with what was typed; a group of commands that is called alone shows its help."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    told = f"; see {context.command_path} --help" if context else ""
    click.echo(f"Error: {' '.join(error.format_message().split()).rstrip('.')}{told}", err=True)


if __name__ == "__main__":
    sys.exit(main())
