"""A run: prepare every contender, then measure blocks in interleaved rounds until all times are known.

The order of a round is random, and contenders take turns one at a time, so that drift of the machine meets all of them
alike and ratios can be paired. Contenders that would take more than their share of the time sit out rounds. The
machine's peaks are probed in the same rounds. Accuracy is taken from the output of the first timed block, whose inputs
are those of the dataset, shifted cyclically.
"""

from __future__ import annotations

import contextlib
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
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.accuracy import measure_accuracy
from fhnbench.error_profile import error_profile
from fhnbench.measure import protocol
from fhnbench.measure.environment import environment, last_level_cache
from fhnbench.measure.member import Member, Stopped
from fhnbench.measure.peaks import probes_of
from fhnbench.measure.program import OWN, Program
from fhnbench.problem import VARIABLES, Ensemble
from fhnbench.results.record import DatasetRecord, RunRecord
from fhnbench.trajectories import InvalidTrajectories, check_trajectories
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fhnbench.accuracy import Accuracy
    from fhnbench.dataset.reader import Dataset
    from fhnbench.measure.peaks import PeakProbe
    from fhnbench.plugins.contender import Request
    from fhnbench.results.record import Settings
    from fhnbench.workload import Precision

SAVE_EVERY_S = 2.0
"""How often the record is written while a run goes on: so much can be lost by a kill."""

ENOUGH_ROUNDS = 20
"""Rounds that the time budget should last for, so that fast contenders are known well."""

FLUSH_FACTOR = 2
"""Cold mode flushes this many times the last-level cache."""

UNKNOWN_CACHE_BYTES = 64 * 2**20


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
        self._flush_bytes = FLUSH_FACTOR * (last_level_cache() or UNKNOWN_CACHE_BYTES) if settings.cold else 0
        self._members = [
            Member(chosen, self._workload(chosen.precision), settings, program)
            for chosen in requests
            for program in programs
        ]
        self._probes: list[PeakProbe] = []
        self._environment = environment(entry.plugin.distribution for chosen in requests for entry in chosen.entries)
        self._created = datetime.now(UTC).isoformat(timespec="seconds")
        self._name = uuid.uuid4().hex
        self._saved_s = 0.0
        self._audits_s = 0.0

    def run(self) -> RunRecord:
        """Measure everything and return the record.

        Raises
        ------
        FhnbenchError
            If what the user typed is wrong; nothing has been measured then.
        KeyboardInterrupt
            On Ctrl-C; the record of what was measured has been saved.
        """
        complete = False
        with tempfile.TemporaryDirectory(prefix="fhnbench-") as name:
            try:
                self._prepare(Path(name))
                self._measure(Path(name))
                complete = True
            finally:
                for worker in self._workers:
                    worker.close()
                record = self._record(complete=complete)
                if complete or self._measured:
                    self._save(record)
        return record

    @property
    def _workers(self) -> list[Member | PeakProbe]:
        return [*self._members, *self._probes]

    @property
    def _active(self) -> list[Member]:
        return [member for member in self._members if member.stopped is None]

    @property
    def _measured(self) -> bool:
        return any(member.blocks for member in self._members)

    def _workload(self, precision: Precision) -> Workload:
        return Workload.of(self._dataset.problem, self._size, precision, self._settings.threads)

    def _prepare(self, folder: Path) -> None:
        inputs = {
            dtype: _write_inputs(folder, self._ensemble.astype(dtype))
            for dtype in {member.workload.dtype for member in self._members}
        }
        steps = len(self._members) + 1
        for step, member in enumerate(self._members):
            self._report(f"preparing {member.request.label}", step / steps)
            with _stopping(member):
                member.prepare(self._dataset.problem, inputs[member.workload.dtype])
        self._report("probing the machine", 1 - 1 / steps)
        devices = [(member.device, member.workload) for member in self._active if member.device]
        self._probes += probes_of(devices, self._settings.timeout_s)

    def _measure(self, folder: Path) -> None:
        began = time.monotonic()
        for number in itertools.count():
            waiting = [member for member in self._active if self._needs_more(member)]
            if not waiting:
                return
            turns: list[Member | PeakProbe] = [member for member in waiting if number % self._stride(member) == 0]
            if turns:
                turns += self._probes
            self._random.shuffle(turns)
            for turn in turns:
                elapsed = time.monotonic() - began
                measuring_s = elapsed - self._audits_s
                if number > 0 and measuring_s > self._settings.time_budget_s:
                    return
                if isinstance(turn, Member):
                    done = measuring_s / self._settings.time_budget_s
                    self._report(f"round {number + 1}: {turn.request.label}", done)
                    self._take_turn(turn, number, elapsed, folder)
                else:
                    turn.measure()

    def _needs_more(self, member: Member) -> bool:
        return len(member.blocks) < self._settings.rounds and not member.is_converged

    def _stride(self, member: Member) -> int:
        """Return in which rounds a contender takes part: each, or each so-manieth if it would take others' time.

        A contender whose share of the time budget does not last for enough rounds sits out some.
        """
        share_s = self._settings.time_budget_s / len(self._active)
        return max(1, math.ceil(member.block_s * ENOUGH_ROUNDS / share_s))

    def _take_turn(self, member: Member, number: int, started_s: float, folder: Path) -> None:
        shift = self._random.randrange(0, self._size, 16) if self._size > 16 else 0
        output = folder / "output.npy" if member.accuracy is None else None
        asked = protocol.Measure(shift, self._flush_bytes, str(output) if output else None)
        with _stopping(member):
            member.measure(number, started_s, asked)
            if output:
                began = time.monotonic()
                member.accuracy = self._audit(np.load(output, allow_pickle=False), member.workload, shift)
                self._audits_s += time.monotonic() - began
        if time.monotonic() - self._saved_s > SAVE_EVERY_S:
            self._saved_s = time.monotonic()
            self._save(self._record(complete=False))

    def _audit(self, states: NDArray[Any], workload: Workload, shift: int) -> Accuracy:
        """Check the copied output of a timed run and return its errors."""
        u0, w0, i_app = (np.roll(getattr(self._ensemble, name), -shift) for name in VARIABLES)
        shifted = Ensemble(u0, w0, i_app, self._ensemble.model)
        try:
            check_trajectories(states, workload, shifted)
        except InvalidTrajectories as error:
            raise Stopped("failed", str(error)) from None
        states = np.roll(states, shift, axis=2)
        accuracy = measure_accuracy(states, self._reference, workload.times)
        profile = error_profile(states, self._reference, self._ensemble, self._dataset.problem)
        return msgspec.structs.replace(accuracy, profile=profile)

    def _record(self, *, complete: bool) -> RunRecord:
        dataset = self._dataset
        peaks = {
            (probe.best.device, probe.best.precision): probe.best for probe in self._probes if probe.best.fma_per_s
        }
        return RunRecord(
            created=self._created,
            command=shlex.join(["fhnbench", *sys.argv[1:]]),
            problem=dataset.problem,
            dataset=DatasetRecord(
                dataset.path.name, dataset.digest, self._size, dataset.sampling, dataset.seed, dataset.error_floor
            ),
            settings=self._settings,
            environment=self._environment,
            probes=tuple(peaks.values()),
            rows=tuple(member.row(peaks) for member in self._members),
            complete=complete,
            session=self._name,
        )


@contextlib.contextmanager
def _stopping(member: Member) -> Iterator[None]:
    """Take a member out of the run when it stops; the others go on."""
    try:
        yield
    except Stopped as stopped:
        member.stop(stopped)


def _write_inputs(folder: Path, ensemble: Ensemble) -> Path:
    """Write the ensemble twice in a row, so that every cyclic shift of it is a slice that workers map read-only."""
    path = folder / f"inputs-{ensemble.u0.dtype}.npy"
    columns = np.stack([getattr(ensemble, name) for name in VARIABLES])
    np.save(path, np.concatenate([columns, columns], axis=1), allow_pickle=False)
    return path
