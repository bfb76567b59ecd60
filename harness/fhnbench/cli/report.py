"""``fhnbench report``: runs as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"), show_default=True
)
def command(folders: tuple[Path, ...], output: Path) -> None:
    """Write the runs in one or more DIR (or run.json) as one self-contained HTML file.

    It needs no network and no other file: the verdict in words, error against time, the table, where contenders fail,
    where the time goes, all rounds, the environment and how to repeat it.
    """
    from fhnbench.files import write_whole
    from fhnbench.report.progress import reporting
    from fhnbench.results.store import read_record

    runs = [(str(folder), read_record(folder)) for folder in folders]
    from fhnbench.report.html import html_report  # after reading: it takes a second to import

    with reporting("drawing") as report:
        content = html_report(runs, report.fraction)
    write_whole(output, content)
    click.echo(f"Report: {output}")
