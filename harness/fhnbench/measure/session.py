"""A run: prepare every contender, then measure blocks in interleaved rounds until all times are known.

The order of a round is random, and contenders take turns one at a time, so that drift of the machine meets all of them
alike and ratios can be paired. Contenders that would take more than their share of the time sit out rounds. The
machine's peaks are probed in the same rounds. Accuracy is taken from the output of the first timed block, whose inputs
are those of the dataset, shifted cyclically; outputs of later blocks, chosen at random, are compared with it.

No more than `LIVE_WORKERS` contenders are prepared at a time. More are divided at random into groups, measured one
after the other; the fastest contender of the first group takes part in the rounds of all of them, as an anchor that
shows drift from group to group, and so do the probes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
import random
import shlex
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fhnbench.errors import FhnbenchError
from fhnbench.features import features_of
from fhnbench.measure import frontier
from fhnbench.measure.environment import environment
from fhnbench.measure.interpreter import ask_interpreter, interpreter_of
from fhnbench.measure.member import Member, stopping
from fhnbench.measure.outputs import OutputAudit
from fhnbench.measure.peaks import PeakProbe, probes_of
from fhnbench.measure.program import OWN, Program
from fhnbench.measure.rounds import Rounds
from fhnbench.plugins.contender import request
from fhnbench.plugins.registry import registry
from fhnbench.problem import VARIABLES, Ensemble
from fhnbench.results.record import DatasetRecord, ProbeRecord, RunRecord
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fhnbench.dataset.reader import Dataset
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import Row, Settings

T = TypeVar("T")

SAVE_EVERY_S = 2.0
"""How often the record is written while a run goes on: so much can be lost by a kill."""

SAVING_SHARE = 20
"""Of a large record, less often: so many times as long passes as writing it takes."""

LIVE_WORKERS = 16
"""Most contenders that are prepared at a time; each holds some hundred megabytes."""


class Session:
    """A run of several contenders on one dataset.

    Parameters
    ----------
    dataset
        Inputs and reference.
    size
        Number of samples to use, from the first on.
    requests
        Contenders.
    settings
        How to measure.
    save
        Called with the record now and then, and with the last one.
    report
        Called with what is going on and the fraction of the run that is done.
    programs
        What workers run: each contender has a worker, and a row, for each of them, in this order.
    """

    def __init__(
        self,
        dataset: Dataset,
        size: int,
        requests: Sequence[Request],
        settings: Settings,
        save: Callable[[RunRecord], object],
        report: Callable[[str, float], None] = lambda _what, _fraction: None,
        programs: Sequence[Program] = (OWN,),
    ) -> None:
        self._dataset = dataset
        self._size = size
        self._settings = settings
        self._save = save
        self._report = report
        self._random = random.Random(settings.seed)
        self._ensemble = dataset.ensemble[:size]
        self._reference = dataset.reference(slice(0, size))
        self._requests = list(requests)
        self._programs = programs
        self._places: dict[str, str] = {}
        self._members = {one.label: self._of(one) for one in requests}
        self._probes: list[PeakProbe] = []
        self._probed: set[tuple[str | None, str]] = set()
        self._anchor: Member | None = None
        self._environment = environment(name for chosen in requests for name in chosen.distributions)
        self._created = datetime.now(UTC).isoformat(timespec="seconds")
        self._command = shlex.join(["fhnbench", *sys.argv[1:]])
        self._name = uuid.uuid4().hex
        self._earlier_rows: dict[str, Row] = {}
        self._earlier_probes: tuple[ProbeRecord, ...] = ()
        self._next_save_s = 0.0
        self._rounds = Rounds(settings, self._ensemble, self._random, self._round_done, self._report)

    def place(self, interpreters: Mapping[str, str]) -> None:
        """Let contenders run in other interpreters, by patterns of their names; the record holds the environments.

        Raises
        ------
        FhnbenchError
            If a pattern matches no contender, or an interpreter cannot run workers of this revision.
        """
        for pattern, interpreter in interpreters.items():
            chosen = [one for one in self._requests if interpreter_of(one.name, {pattern: interpreter})]
            if not chosen:
                raise FhnbenchError(f"no contender of the run matches {pattern!r}, so none runs in {interpreter}")
            distributions = {name for one in chosen for name in one.distributions}
            remedy = "install the same fhnbench there"
            _, there = ask_interpreter(interpreter, interpreter, remedy, sorted(distributions))
            self._environment.setdefault("interpreters", {})[pattern] = {"interpreter": interpreter, **there}
            self._places[pattern] = interpreter
            self._members |= {one.label: self._of(one) for one in chosen}

    def resume(self, earlier: RunRecord) -> None:
        """Go on with a run: rows that are finished in its record are kept, the rest is measured."""
        self._created, self._command, self._name = earlier.created, earlier.command, earlier.session
        self._earlier_rows = {row.contender: row for row in earlier.rows}
        self._earlier_probes = earlier.probes
        for name, row in self._earlier_rows.items():
            if row.status == "ran" and row.finished:
                self._members.pop(name, None)
        blocks = [block for row in earlier.rows for block in row.blocks]
        if blocks:
            self._rounds.go_on(max(block.round for block in blocks) + 1, max(block.started_s for block in blocks))

    def run(self) -> RunRecord:
        """Measure everything and return the record.

        Raises
        ------
        FhnbenchError
            If what the user typed is wrong (nothing has been measured then), or the record cannot be written.
        KeyboardInterrupt
            On Ctrl-C; the record of what was measured has been saved.
        """
        complete = False
        with tempfile.TemporaryDirectory(prefix="fhnbench-") as name:
            try:
                self._run(Path(name))
                complete = True
            finally:
                self._end(self._all, finished=False)
                for probe in self._probes:
                    probe.close()
                record = self._record(complete=complete)
                if complete or any(member.blocks for member in self._all):
                    self._save(record)
        return record

    @property
    def _all(self) -> list[Member]:
        return list(itertools.chain(*self._members.values()))

    def _run(self, folder: Path) -> None:
        contenders = list(self._members.values())
        programs = len(self._programs)
        share_s = self._settings.time_budget_s / max(1, len(contenders) * programs)
        groups = grouped(contenders, self._random, max(2, LIVE_WORKERS // programs))
        for number, group in enumerate(groups):
            self._run_group(list(itertools.chain(*group)), folder, share_s, more=number + 1 < len(groups))
        if self._settings.frontier:
            self._confirm(folder, share_s)

    def _run_group(self, group: Sequence[Member], folder: Path, share_s: float, *, more: bool) -> None:
        """Prepare contenders, measure them, and end their workers; one stays as an anchor if more groups follow."""
        active = self._prepare(group, folder)
        self._rounds.measure(active, self._probes, [self._anchor] if self._anchor else [], folder, share_s)
        if self._anchor is None and more:
            self._anchor = min((m for m in active if m.stopped is None), key=lambda m: m.block_s, default=None)
        self._end(member for member in group if member is not self._anchor)

    def _prepare(self, group: Sequence[Member], folder: Path) -> list[Member]:
        """Prepare contenders and probes, and return the contenders that can be measured."""
        inputs = {
            dtype: _write_inputs(folder, self._ensemble.astype(dtype))
            for dtype in {member.workload.dtype for member in group}
        }
        for step, member in enumerate(group):
            self._report(f"preparing {member.request.label}", step / (len(group) + 1))
            with stopping(member):
                member.prepare(self._dataset.problem, inputs[member.workload.dtype])
        active = [member for member in group if member.stopped is None]
        self._report("probing the machine", 1 - 1 / (len(group) + 1))
        devices = {
            (member.device, member.workload.precision): dataclasses.replace(member.workload, output="trajectories")
            for member in active
            if member.device
        }
        asked = [(device, workload) for (device, key), workload in devices.items() if (device, key) not in self._probed]
        self._probed |= devices.keys()
        self._probes += probes_of(asked, self._settings.timeout_s)
        return active

    @staticmethod
    def _end(members: Iterable[Member], *, finished: bool = True) -> None:
        for member in members:
            member.finished = member.finished or finished
            member.close()

    def _confirm(self, folder: Path, share_s: float) -> None:
        """Measure what the frontier promises between measured steps, with the surrogates that it is compared with."""
        beside: dict[str, list[Member]] = {}
        for contender, surrogate in frontier.confirmations(self._record(complete=False)):
            label = request(contender, "solver", registry()).label
            beside.setdefault(label, []).extend(self._members.get(surrogate, ()))
        known = {one.label for one in self._requests}
        requests = [one for one in (request(label, "solver", registry()) for label in beside) if one.label not in known]
        for number in range(0, len(requests), most := LIVE_WORKERS // 2):
            chosen = requests[number : number + most]
            self._requests += chosen
            self._members |= {one.label: self._of(one) for one in chosen}
            group = list(itertools.chain(*(self._members[one.label] for one in chosen)))
            others = list(dict.fromkeys(other for one in chosen for other in beside[one.label]))[:most]
            active = self._prepare(group, folder)
            self._rounds.measure(active, self._probes, self._prepare(others, folder), folder, share_s)
            self._end([*group, *others])

    def _of(self, chosen: Request) -> list[Member]:
        """Return a member for each program."""
        interpreter = interpreter_of(chosen.name, self._places)
        workload = self._workload(chosen)
        reference = self._reference if chosen.output == "trajectories" else self._reference_features
        return [
            Member(
                chosen,
                workload,
                self._settings,
                OutputAudit(self._dataset.problem, self._ensemble, reference, workload),
                program,
            )
            for program in ([Program(interpreter, foreign=True)] if interpreter else self._programs)
        ]

    def _workload(self, chosen: Request) -> Workload:
        return Workload.of(self._dataset.problem, self._size, chosen.precision, self._settings.threads, chosen.output)

    @functools.cached_property
    def _reference_features(self) -> NDArray[np.float64]:
        return features_of(self._reference, self._dataset.problem.times)

    def _round_done(self) -> None:
        """Save the record now and then; that the disk is full at the moment doesn't end a run."""
        began = time.monotonic()
        if began > self._next_save_s:
            with contextlib.suppress(FhnbenchError):
                self._save(self._record(complete=False))
            took_s = time.monotonic() - began
            self._next_save_s = began + max(SAVE_EVERY_S, SAVING_SHARE * took_s)

    def _record(self, *, complete: bool) -> RunRecord:
        dataset = self._dataset
        probes = {(record.device, record.precision): record for record in self._earlier_probes}
        for probe in self._probes:
            if probe.best.fma_per_s:
                key = probe.best.device, probe.best.precision
                probes[key] = _better(probe.best, probes.get(key))
        problems = {(each.best.device, each.best.precision): each.problem for each in self._probes if each.problem}
        return RunRecord(
            created=self._created,
            command=self._command,
            problem=dataset.problem,
            dataset=DatasetRecord(
                dataset.path.name, dataset.digest, self._size, dataset.sampling, dataset.seed, dataset.error_floor
            ),
            settings=self._settings,
            environment=self._environment,
            probes=tuple(probes.values()),
            rows=tuple(row for one in self._requests for row in self._rows_of(one.label, probes, problems)),
            complete=complete,
            session=self._name,
        )

    def _rows_of(
        self, label: str, probes: dict[tuple[str, str], ProbeRecord], problems: dict[tuple[str, str], str]
    ) -> list[Row]:
        """Return a contender's rows: that of the earlier run until this one has measured it."""
        members, earlier = self._members.get(label, []), self._earlier_rows.get(label)
        if earlier and not any(member.blocks or member.stopped for member in members):
            return [earlier]
        return [member.row(probes, problems) for member in members]


def grouped(contenders: Sequence[T], order: random.Random, most: int) -> list[list[T]]:
    """Divide contenders into groups as equal as can be, at random if there is more than one.

    A group and the anchor are no more than `most`.
    """
    if len(contenders) <= most:
        return [list(contenders)]
    shuffled = order.sample(list(contenders), len(contenders))
    count = math.ceil(len(contenders) / (most - 1))
    return [shuffled[number::count] for number in range(count)]


def _better(one: ProbeRecord, other: ProbeRecord | None) -> ProbeRecord:
    if other is None:
        return one
    peaks = max(one.fma_per_s, other.fma_per_s), max(one.bytes_per_s, other.bytes_per_s)
    return ProbeRecord(one.precision, *peaks, one.device)


def _write_inputs(folder: Path, ensemble: Ensemble) -> Path:
    """Write the ensemble twice in a row, so that every cyclic shift of it is a slice that workers map read-only."""
    path = folder / f"inputs-{ensemble.u0.dtype}.npy"
    columns = np.stack([getattr(ensemble, name) for name in VARIABLES])
    np.save(path, np.concatenate([columns, columns], axis=1), allow_pickle=False)
    return path
