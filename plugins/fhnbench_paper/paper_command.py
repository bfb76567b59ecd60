"""``fhnbench paper``: the paper and our figures, side by side."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhnbench import ExitStatus, FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench_paper.chain import Step


@click.command(short_help="Put the paper and what was measured side by side.")
@click.option("--quick", is_flag=True, help="Measure what is missing in a small form, apart from published records.")
@click.option("--read-only", is_flag=True, help="Measure nothing; rows without a record say so.")
@click.option(
    "--records",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Records are read here, and written where they are missing.  [default: results; with --quick, OUTPUT/records]",
)
@click.option(
    "--from",
    "others",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    metavar="DIR",
    help="Read records here and measure nothing; repeatable, the first that has a record counts.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the comparison.  [default: results/paper; with --quick, results/runs/paper-quick]",
)
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of what is measured."
)
def command(
    quick: bool, read_only: bool, records: Path | None, others: tuple[Path, ...], output: Path | None, threads: int
) -> ExitStatus:
    """Put every claim, figure and number of the paper beside what was measured, with verdicts that follow from rules.

    Experiments, datasets and runs whose records are missing are made first, by commands that are printed as they run;
    interrupted, the same command goes on where it was. The comparison is README.md (a table of all rows, then each with
    the paper's words, our figures, the rule, the records and the machine) and record.json.

    \b
    Exit status:
      0    the comparison is written; rows that were not measured say so
      2    wrong usage or a damaged record, one line says what to do
      3    a command that measures left no record; the comparison is written without it
      130  interrupted; the same command goes on
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fhnbench_paper.chain import FULL, QUICK, missing, remedies, run_all, steps, why_not
    from fhnbench_paper.claims import CLAIMS
    from fhnbench_paper.evidence import read_evidence
    from fhnbench_paper.side_by_side import compare, record_of, refuse_foreign, write

    if others and records:
        raise FhnbenchError("--from reads records and measures nothing; --records is for what is measured: give one")
    output = output or (Path("results", "runs", "paper-quick") if quick else Path("results", "paper"))
    folder = records or (output / "records" if quick else Path("results"))
    folders = others or (folder,)
    refuse_foreign(output)
    evidence = read_evidence(folders)
    planned = steps(folder, QUICK if quick else FULL, threads)
    failed: Sequence[Step] = ()
    if others or read_only:
        if not evidence:
            raise FhnbenchError(f"no records in {' or '.join(map(str, folders))}; they are laid out as results/ is")
    else:
        todo = []
        for step in missing(planned, evidence):
            if reason := why_not(step):
                click.echo(f"{step.name} is left out: {reason}", err=True)
            else:
                todo.append(step)
        failed = run_all(todo)
        evidence = read_evidence(folders)
        unsuccessful = {step.name for step in failed}
        failed = [step for step in missing(planned, evidence) if step.name in unsuccessful]
    rows = compare(CLAIMS, evidence, remedies(planned), folders, output)
    record = record_of(rows, _typed(quick, read_only, records, others, output, threads), quick=quick)
    write(record, output)
    width = max(map(len, record.counts))
    for number, row in enumerate(rows, 1):
        click.echo(f"{number:2} {row.finding.verdict:{width}}  {row.title}")
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in record.counts.items()))
    click.echo(f"Results: {output}")
    return ExitStatus.DID_NOT_RUN if failed else ExitStatus.OK


def _typed(
    quick: bool, read_only: bool, records: Path | None, others: tuple[Path, ...], output: Path, threads: int
) -> str:
    words = ["fhnbench", "paper", *(["--quick"] if quick else []), *(["--read-only"] if read_only else [])]
    words += ["--records", str(records)] if records else []
    words += [word for other in others for word in ("--from", str(other))]
    words += ["--output", str(output)]
    return shlex.join([*words, *(["--threads", str(threads)] if threads > 1 else [])])
