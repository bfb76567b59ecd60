"""``fhnbench new``: begin a plugin."""

from __future__ import annotations

from pathlib import Path

import click

from fhnbench.plugins.scaffold import KINDS, scaffold


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--directory", type=click.Path(path_type=Path), help="Folder to write.  [default: fhnbench-NAME]")
def command(kind: str, name: str, directory: Path | None) -> None:
    """Begin a plugin: write a small distribution that works, to be changed.

    NAME is what users will type: of a solver with or without its backend (ab2 or ab2-numpy), of a surrogate family
    (elm), or of a runtime. The distribution holds a contender, its declaration, its tests by the conformance kit, a
    README and a CI file.
    """
    folder = directory or Path(f"fhnbench-{name.replace('_', '-')}")
    for file in scaffold(kind, name, folder):  # type: ignore[arg-type]  # click has checked it
        click.echo(f"  {folder / file}")
    click.echo(f"Next: cd {folder} && pip install -e '.[test]' && pytest")
