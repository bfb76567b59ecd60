"""Measuring from Python: what `fhnbench run` does, with records in place of files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import msgspec

from fhnbench.asked import Measuring, contenders_of, dataset_of, output_folder, planned
from fhnbench.errors import FhnbenchError
from fhnbench.files import require_writable
from fhnbench.measure.session import Session
from fhnbench.report.files import write_reports
from fhnbench.report.progress import reporting
from fhnbench.results.store import write_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import RunRecord

_OPTIONS = {"time_budget_s": "time-budget", "timeout_s": "timeout"}


def run(
    contenders: str | Iterable[str] = (),
    problem: str | None = None,
    size: int | None = None,
    *,
    dataset: str | Path | None = None,
    output: str | Path | None = None,
    interpreters: Mapping[str, str | Path] | None = None,
    **settings: Unpack[Measuring],
) -> RunRecord:
    """Measure contenders on the same ensemble, as `fhnbench run` does.

    Each contender has a process of its own, started anew, so a script needs no ``if __name__ == "__main__"``. Progress
    is shown on standard error where that is a terminal.

    Parameters
    ----------
    contenders
        Solvers and surrogates by name, with options: ``"euler-cpu[dt=0.05]"``. ``*`` and ``?`` make a pattern. Without
        a name, everything that can run on this machine is measured, but for contenders that are there to be named.
    problem
        ``"A"``, ``"B"`` or ``"C"``, of whose standard dataset inputs and reference are; C unless a dataset is given.
    size
        Number of samples; 100,000, or the dataset's.
    dataset
        File of a dataset to measure on.
    output
        Folder for what `fhnbench run` leaves: run.json, tables and a picture. Without one nothing is written.
    interpreters
        Other Python interpreters, by patterns of the contenders that run in them: ``{"theirs-*": "/opt/bin/python"}``.
    **settings
        How to measure: ``precision`` of contenders that name none (``"float32"``), ``threads`` of each (all CPUs),
        ``rounds`` (200 blocks of a contender at most), ``time_budget_s`` (2 s a contender, at least 20), ``timeout_s``
        of one answer (300), ``seed``, ``cold`` caches, ``extrapolate``, ``max_error``, ``frontier``.

    Returns
    -------
    RunRecord
        The record, a row for each contender: what could not run says why in ``status`` and ``reason``.

    Raises
    ------
    FhnbenchError
        If a contender, an option, a setting or the dataset is wrong; nothing has been measured then.
    """
    names = [contenders] if isinstance(contenders, str) else list(contenders)
    asked = {name: contenders_of([name], settings.get("precision", "float32")) for name in names}
    requests = list({one.label: one for found in asked.values() for one in found}.values())
    if size is not None and size < 1:
        raise FhnbenchError(f"size is {size}; it must be positive")
    folder = output_folder(Path(output)) if output else None
    source = dataset_of(Path(dataset) if dataset else None, problem, size)
    places = {pattern: str(path) for pattern, path in (interpreters or {}).items()}
    requests, chosen = planned(requests, source, settings, places)
    place = {"dataset": dataset} if dataset else {"problem": source.problem.name}
    command = _command(asked, {**place, "size": size, "output": output, **settings}, places)

    def save(record: RunRecord) -> None:
        if folder:
            write_record(folder, msgspec.structs.replace(record, command=command))

    if folder:
        require_writable(folder)
    with reporting() as report:
        session = Session(source, size or source.size, requests, chosen, save, report)
        session.place(places)
        measured = session.run()
    record = msgspec.structs.replace(measured, command=command)
    if folder:
        write_reports(record, folder)
    return record


def _command(
    asked: Mapping[str, Sequence[Request]], given: Mapping[str, object], interpreters: Mapping[str, str]
) -> str:
    """Return the command that measures the same: what the record is to be repeated with."""
    words = ["fhnbench", "run"]
    for name, requests in asked.items():
        for kind in sorted({one.kind for one in requests}):
            words += [f"--{kind}", name]
    for name, value in given.items():
        option = f"--{_OPTIONS.get(name, name.replace('_', '-'))}"
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [option, str(value)]
    for pattern, path in interpreters.items():
        words += ["--python", f"{pattern}={path}"]
    return shlex.join(words)
