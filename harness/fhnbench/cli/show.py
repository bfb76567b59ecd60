"""``fhnbench show``: print the table of a run again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def command(folder: Path) -> None:
    """Print the table of the run in DIR (or in a run.json) again."""
    from fhnbench.report.console import answers
    from fhnbench.report.runs import run_table
    from fhnbench.results.store import read_record

    answers().print(run_table(read_record(folder)))
