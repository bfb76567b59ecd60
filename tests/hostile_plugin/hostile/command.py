"""A subcommand that a plugin adds."""

import click


@click.command()
@click.option("--status", default=0)
def command(status):
    """Say that the command was called."""
    click.echo("the hostile command was called")
    return status
