"""The terminal: one console for what a command answers, one for what it says on the way."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

PIPED_WIDTH = 100
"""Columns of a table that is not written to a terminal."""


def answers() -> Console:
    """Return the console for a command's answer (standard output)."""
    console = Console()
    return console if console.is_terminal else Console(width=shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def notices() -> Console:
    """Return the console for progress and remarks (standard error)."""
    return Console(stderr=True)


def progress_bar() -> Progress:
    """Return a progress display with elapsed and remaining time; it stays silent where there is no terminal."""
    console = notices()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def table(columns: Iterable[str | tuple[str, str]], title: str | None = None) -> Table:
    """Return an empty table in the house style; a column is a heading, or a heading and its justification.

    Columns that are justified to the right hold figures and are never folded.
    """
    result = Table(title=title and Text(title), box=box.SIMPLE_HEAD, title_justify="left", show_edge=False, padding=0)
    for column in columns:
        heading, justify = column if isinstance(column, tuple) else (column, "left")
        figures = justify == "right"
        result.add_column(heading, justify="right" if figures else "left", overflow="fold", no_wrap=figures)
    return result
