"""The paper and our figures, side by side: a row for each of its statements, as JSON and for a reader."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from fhnbench import FhnbenchError, RunRecord, environment, write_whole
from fhnbench_paper.record import Finding, Verdict
from fhnbench_paper.sweep_figures import Analysis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.evidence import Evidence, Found

PAPER_SCHEMA = "fhnbench.paper/1"
_INTRODUCTION = (
    "Every claim, figure and number of Werneck et al. beside what was measured here. Each verdict follows from the "
    "rule below it and the figures of the records that it names, and from nothing else."
)

RECORD_FILE, README_FILE, PICTURES_FOLDER = "record.json", "README.md", "pictures"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that a row rests on.

    Parameters
    ----------
    name, file
        Its name, and its file relative to the comparison's folder.
    command, created, conditions
        The command that made it, when (UTC), and on which machine, in which form.
    """

    name: str
    file: str
    command: str
    created: str
    conditions: str


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement of the paper beside what we measured.

    Parameters
    ----------
    title
        What it is about.
    finding
        The paper's words, our figures, the rule and the verdict.
    sources
        The records that the figures were read from.
    picture
        A picture, relative to the comparison's folder; empty if there is none.
    """

    title: str
    finding: Finding
    sources: tuple[Source, ...]
    picture: str


class PaperRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole comparison.

    Parameters
    ----------
    created, command
        When it was made (UTC), and by which command.
    quick
        Whether missing records were made in their quick form.
    environment
        Where it was made; the machines of the figures are those of the rows' sources.
    rows
        In the order of the paper.
    """

    created: str
    command: str
    quick: bool
    environment: dict[str, Any]
    rows: tuple[Row, ...]
    schema: str = PAPER_SCHEMA

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each verdict."""
        found = Counter(row.finding.verdict for row in self.rows)
        return {verdict: found[verdict] for verdict in get_args(Verdict)}


def compare(
    claims: Iterable[Claim], evidence: Evidence, remedies: Mapping[str, str], folders: Sequence[Path], output: Path
) -> tuple[Row, ...]:
    """Return a row for each claim.

    Parameters
    ----------
    claims
        Statements and rules.
    evidence
        The records that there are.
    remedies
        The commands that make records, by the records' names, in Markdown.
    folders
        Where pictures are looked for.
    output
        Folder that files are named relative to.
    """
    return tuple(_row(claim, evidence, remedies, folders, output) for claim in claims)


def _row(claim: Claim, evidence: Evidence, remedies: Mapping[str, str], folders: Sequence[Path], output: Path) -> Row:
    lacking = [name for name in claim.needs if name not in evidence]
    finding = _not_measured(claim, lacking, remedies) if lacking else claim.finding(evidence)
    found = evidence.found((*claim.needs, *claim.also))
    sources = tuple(_source(name, one, output) for name, one in found)
    pictures = [file for name in claim.pictures for folder in folders if (file := folder / name).exists()]
    picture = _linked(pictures[0], output) if pictures else ""
    return Row(claim.statement.title, finding, sources, picture)


def _not_measured(claim: Claim, lacking: Sequence[str], remedies: Mapping[str, str]) -> Finding:
    commands = "; ".join(remedies[name] for name in lacking if name in remedies)
    return Finding(
        statement=claim.statement.words,
        section=claim.statement.section,
        rule=claim.rule,
        measurement=f"nothing; to measure it: {commands}" if commands else "nothing",
        verdict="not measured",
        why=f"There is no record yet: {', '.join(lacking)}.",
    )


def _source(name: str, found: Found[Any], output: Path) -> Source:
    record = found.record
    file = os.path.relpath(found.file, output)
    machine = record.environment.get("cpu") or "unknown CPU"
    if isinstance(record, RunRecord):
        devices = {row.effective.device for row in record.rows if row.effective} - {"cpu"}
        conditions = ", ".join([*sorted(devices), machine, f"{record.settings.threads} threads"])
        conditions += f", problem {record.problem.name}, {record.dataset.size:,} samples, {record.settings.precision}"
    elif isinstance(record, Analysis):
        swept = (f"{problem.problem} ({problem.candidates} candidates)" for problem in record.problems)
        conditions = f"{machine}, problems {', '.join(swept)}"
    else:
        form = "quick" if record.quick else "full"
        conditions = f"{machine}, {record.threads} threads, {form} form, seed {record.seed}"
    return Source(name, file, record.command, record.created, conditions)


def _linked(picture: Path, output: Path) -> str:
    """Return a picture's path relative to a folder; one that lies elsewhere than beside it is copied into it."""
    if picture.resolve().is_relative_to(output.resolve().parent):
        return os.path.relpath(picture, output)
    copy = output / PICTURES_FOLDER / "-".join(picture.parts[-3:])
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, copy)
    return os.path.relpath(copy, output)


def record_of(rows: tuple[Row, ...], command: str, *, quick: bool) -> PaperRecord:
    """Return the record of a comparison that was made now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return PaperRecord(now, command, quick, msgspec.to_builtins(environment()), rows)


def decode(content: bytes) -> PaperRecord:
    """Read the record of a comparison.

    Raises
    ------
    FhnbenchError
        If it is no JSON, of another schema, or a field is missing or of the wrong type.
    """
    try:
        record = msgspec.json.decode(content, type=PaperRecord)
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"not the record of a comparison with the paper: {error}") from None
    if record.schema != PAPER_SCHEMA:
        raise FhnbenchError(f"schema {record.schema!r}; this version reads {PAPER_SCHEMA!r}")
    return record


def refuse_foreign(output: Path) -> None:
    """Raise an error if a folder holds files of these names that are none of a comparison's."""
    file = output / RECORD_FILE
    if not file.exists() and not (output / README_FILE).exists():
        return
    try:
        decode(file.read_bytes())
    except (OSError, FhnbenchError):
        raise FhnbenchError(
            f"{output} holds a {README_FILE} or {RECORD_FILE} that is no comparison's; give another --output"
        ) from None


def write(record: PaperRecord, output: Path) -> None:
    """Write a comparison's record and its page, each whole."""
    write_whole(output / README_FILE, to_markdown(record))
    write_whole(output / RECORD_FILE, msgspec.json.format(msgspec.json.encode(record), indent=1).decode() + "\n")


def to_markdown(record: PaperRecord) -> str:
    """Return a comparison for a reader: a table of all rows, and then each row with all that belongs to it."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in record.counts.items())
    lines = [
        "# The paper, side by side",
        "",
        _INTRODUCTION,
        "",
        f"`{record.command}`{' (quick form)' if record.quick else ''}, {record.created[:10]}: {counts}.",
        "",
        "| # | the paper | where | verdict | found |",
        "| --: | --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{number}](#{number}) | {row.title} | {row.finding.section} | {row.finding.verdict} | {row.finding.why} |"
        for number, row in enumerate(record.rows, 1)
    ]
    for number, row in enumerate(record.rows, 1):
        lines += ["", *_details(number, row)]
    return "\n".join(lines) + "\n"


def _details(number: int, row: Row) -> list[str]:
    finding = row.finding
    lines = [
        f'## <a id="{number}"></a>{number}. {row.title}',
        "",
        f"> {finding.statement} ({finding.section})",
        "",
        f"- **Verdict: {finding.verdict}.** {finding.why}",
        f"- Measured: {finding.measurement}",
        f"- Rule: {finding.rule}",
    ]
    lines += [
        f"- Record: [{source.name}]({source.file}), {source.conditions}, {source.created[:10]}, `{source.command}`"
        for source in row.sources
    ]
    if row.picture and finding.section.startswith("figure"):
        lines += ["", f"![{row.title}]({row.picture})"]
    elif row.picture:
        lines.append(f"- Picture: [{row.picture}]({row.picture})")
    return lines
