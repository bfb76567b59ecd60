"""``fhnbench show``: print the table of a run again, or write the run in another format."""

from __future__ import annotations

from pathlib import Path

import click

from fhnbench.report.formats import export, format_names


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--format", "form", type=click.Choice(format_names()), help="Write the run in this format instead.")
def command(folder: Path, form: str | None) -> None:
    """Print the table of the run in DIR (or in a run.json) again, or write the run in another format."""
    from fhnbench.report.console import answers
    from fhnbench.report.runs import run_table
    from fhnbench.results.store import read_record

    record = read_record(folder)
    if form:
        click.echo(export(record, form), nl=False)
    else:
        answers().print(run_table(record))
