"""``fhnbench history``: times of contenders over several records."""

from __future__ import annotations

from pathlib import Path

import click

from fhnbench.errors import FhnbenchError


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR...]")
@click.option("--contender", "patterns", multiple=True, metavar="PATTERN", help="Only these, as 'ddnn-*'.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw them into a PNG file."
)
@click.option("--format", "form", type=click.Choice(["csv"]), help="Write them in this format instead.")
def command(folders: tuple[Path, ...], patterns: tuple[str, ...], plot: Path | None, form: str | None) -> None:
    """List the times of contenders in all records below DIR, from old to new.

    Records are listed together that were measured on the same machine, on the same dataset, in the same way. Without
    DIR, those below results/runs are listed. For a verdict, use `fhnbench compare`.
    """
    from fhnbench.files import write_whole
    from fhnbench.report.console import answers
    from fhnbench.report.history import history_png, history_tables, to_csv
    from fhnbench.results.history import find_records, history

    if plot and plot.suffix.lower() != ".png":
        raise FhnbenchError(f"{plot}: the picture is a PNG file; give a name that ends in .png")
    records, refused = find_records(folders or (Path("results", "runs"),))
    for reason in refused:
        click.echo(f"Left out: {reason}", err=True)
    found = history(records, patterns or ("*",))
    if not found:
        places = ", ".join(map(str, folders)) or "results/runs"
        raise FhnbenchError(f"{places}: no record of {' or '.join(patterns) or 'a contender'} is there")
    if form:
        click.echo(to_csv(found), nl=False)
    else:
        for table in history_tables(found):
            answers().print(table)
    if plot:
        write_whole(plot, history_png(found))
        click.echo(f"Picture: {plot}", err=True)
