"""One contender in a run: its worker, its blocks, and the row that comes of them."""

from __future__ import annotations

import contextlib
import statistics
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.accuracy import Accuracy
from fhnbench.artifact import load_artifact
from fhnbench.errors import FhnbenchError, Unavailable
from fhnbench.features import FeatureErrors
from fhnbench.measure import protocol
from fhnbench.measure.audits import AuditFailed
from fhnbench.measure.blocks import LEAK_BLOCKS, disturbance, energy_of_a_run, leak
from fhnbench.measure.process import WorkerLost, WorkerProcess, WorkerTimeout
from fhnbench.measure.program import OWN, Program
from fhnbench.measure.roofline import floor_s
from fhnbench.measure.statistics import MINIMUM_SAMPLES, is_converged, median_interval
from fhnbench.plugins.artifacts import uncovered
from fhnbench.plugins.checked import unchecked
from fhnbench.plugins.options import format_contender
from fhnbench.results.record import ArtifactRecord, Block, CostRecord, EffectiveRecord, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fhnbench.measure.outputs import OutputAudit
    from fhnbench.plugins.contender import Request
    from fhnbench.problem import Problem
    from fhnbench.results.record import ProbeRecord, Settings, Status
    from fhnbench.workload import Workload

IDLE_SHARE = 0.05
"""An idle worker that uses more of a CPU than this is noted: it slows the others down."""


CLOCKS_AGREE = 0.05
"""A larger relative difference between a device's clock and the harness's is noted."""


class Stopped(Exception):
    """A contender is out of the run; status and reason go into its row."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status


@contextlib.contextmanager
def stopping(member: Member) -> Iterator[None]:
    """Take a member out of the run when it stops or fails an audit; the others go on."""
    try:
        yield
    except Stopped as stopped:
        member.stop(stopped)
    except AuditFailed as failed:
        member.stop(Stopped("failed", str(failed)))


class Member:
    """A contender in a run.

    Parameters
    ----------
    request
        What the user asked for.
    workload
        What is asked of the contender.
    settings
        How the run is measured.
    outputs
        Audits the outputs of timed rounds.
    program
        What its worker runs.
    """

    def __init__(
        self,
        request: Request,
        workload: Workload,
        settings: Settings,
        outputs: OutputAudit,
        program: Program = OWN,
    ) -> None:
        self.request = request
        self.workload = workload
        self.outputs = outputs
        self.errors: Accuracy | FeatureErrors | None = None
        self.stopped: Stopped | None = None
        self.blocks: list[Block] = []
        self.finished = False
        self.next_audit = 0
        self._settings = settings
        self._program = program
        self._worker: WorkerProcess[protocol.Reply] | None = None
        self._artifact: ArtifactRecord | None = None
        self._prepared: protocol.Prepared | None = None

    def prepare(self, problem: Problem, inputs: Path) -> None:
        """Start the worker and prepare the contender for the inputs in a file.

        Raises
        ------
        Stopped
            If it is unavailable, refuses, fails or does not answer in time.
        FhnbenchError
            If what the user typed is wrong.
        """
        availability = self.request.availability
        if not availability.available and not self._program.foreign:
            raise Stopped("unavailable", str(availability))
        artifact = self._select_artifact(problem)
        program = self._program
        self.close()  # it may have a worker, if it was in an earlier group
        self._worker = WorkerProcess(
            self._settings.threads, program.module, protocol.replies, program.interpreter, program.arguments
        )
        name = format_contender(self.request.name, self.request.options)
        first = self._prepared is None
        asked = protocol.Prepare(
            name, self.request.kind, artifact, self.workload, str(inputs), problem.varied, audited=first
        )
        reply = self._ask(asked)
        assert isinstance(reply, protocol.Prepared)
        if reply.precision != self.workload.precision:
            raise Stopped(
                "failed", f"audit effective: computes in {reply.precision}, asked was {self.workload.precision}"
            )
        if first:
            self._prepared = reply

    def measure(self, number: int, started_s: float, asked: protocol.Measure) -> float:
        """Measure one block of a round and return the CPU time that it took.

        Raises
        ------
        Stopped
            If the contender fails or does not answer in time.
        """
        reply = self._ask(asked)
        assert isinstance(reply, protocol.Measured)
        spans = reply.upload_s, reply.compute_s, reply.download_s
        block = Block(
            number,
            started_s,
            reply.runs,
            *spans,
            reply.idle_cpu_s,
            reply.device_s,
            mhz=reply.mhz,
            memory_bytes=reply.memory_bytes,
            energy_j=reply.energy_j,
        )
        reason = disturbance(reply.waited, reply.mhz, [before.mhz for before in self.blocks], reply.throttled)
        self.blocks.append(msgspec.structs.replace(block, disturbed=reason))
        if growth := leak([block.memory_bytes for block in self.blocks]):
            raise Stopped("failed", f"audit leak: the worker holds {growth:,} bytes more after each block")
        return reply.cpu_s

    def audit(self, states: NDArray[Any], shift: int) -> None:
        """Audit the output of the last block; the first one's errors are recorded. Raises `AuditFailed`."""
        if self.errors is None:
            self.errors = self.outputs.first(states, shift)
        else:
            self.outputs.later(states, shift)

    def note_background(self, cpus: float) -> None:
        """Note how many CPUs other processes kept busy in the round of the last block."""
        self.blocks[-1] = msgspec.structs.replace(self.blocks[-1], background=cpus)

    def stop(self, stopped: Stopped) -> None:
        """Take the contender out of the run."""
        self.stopped = stopped
        self.close()

    def close(self) -> None:
        """End the worker."""
        if self._worker:
            self._worker.close()

    @property
    def block_s(self) -> float:
        """Time that a block takes, as far as it is known: that of a warm run, in seconds."""
        return self._prepared.run_s if self._prepared else 0.0

    @property
    def device(self) -> str | None:
        """The device that it runs on, as soon as it is prepared."""
        return self._prepared.device if self._prepared else None

    @property
    def is_done(self) -> bool:
        """Whether no more blocks are wanted: there are as many as asked, or enough to know the time and to see a leak.

        Disturbed blocks are repeated, but no more often than half of those that were asked for.
        """
        calm, rounds = self._calm, self._settings.rounds
        if len(calm) >= rounds or len(self.blocks) >= rounds + max(1, rounds // 2):
            return True
        if not calm or len(self.blocks) <= LEAK_BLOCKS:
            return False
        return is_converged(median_interval([block.compute_s for block in calm]), self._settings.tolerance)

    @property
    def _calm(self) -> list[Block]:
        return [block for block in self.blocks if not block.disturbed]

    @property
    def is_disturbed(self) -> bool:
        """Whether too few blocks were undisturbed for statistics of them alone."""
        return len(self._calm) < min(self._settings.rounds, MINIMUM_SAMPLES, len(self.blocks))

    def row(
        self, probes: Mapping[tuple[str, str], ProbeRecord], problems: Mapping[tuple[str, str], str] | None = None
    ) -> Row:
        """Return the contender's row as far as it was measured.

        Parameters
        ----------
        probes
            Peaks, by device and precision.
        problems
            Why there are none, by device and precision.
        """
        if self.stopped:
            status, reason = self.stopped.status, str(self.stopped)
        elif self.errors is None:
            status, reason = "failed", "the run was interrupted before it was measured"
        else:
            return self._row_of_results(probes, problems or {})
        return Row(
            self.request.label,
            self.request.kind,
            status,
            reason,
            artifact=self._artifact,
            blocks=tuple(self.blocks),
            finished=self.stopped is not None,
            output=self.request.output,
        )

    def _row_of_results(
        self, probes: Mapping[tuple[str, str], ProbeRecord], problems: Mapping[tuple[str, str], str]
    ) -> Row:
        assert self._prepared is not None
        prepared = self._prepared
        used = self.blocks if self.is_disturbed else self._calm
        resident = median_interval([block.compute_s for block in used])
        end_to_end = median_interval([block.upload_s + block.compute_s + block.download_s for block in used])
        cost = CostRecord(prepared.operations, prepared.bytes)
        place = prepared.device, prepared.precision
        probe = probes.get(place)
        notes = [*self._notes(), *([problems[place]] if probe is None and place in problems else [])]
        least_s, binds = floor_s(cost, probe) if probe else (None, None)
        return Row(
            self.request.label,
            self.request.kind,
            "ran",
            converged=is_converged(resident) and not self.is_disturbed,
            accuracy=self.errors if isinstance(self.errors, Accuracy) else None,
            resident=resident,
            end_to_end=end_to_end,
            prepare_s=prepared.prepare_s,
            throughput=self.workload.size / resident.median_s,
            roofline_fraction=least_s / resident.median_s if least_s is not None else None,
            binds=binds,
            cost=cost,
            effective=EffectiveRecord(prepared.device, prepared.precision),
            artifact=self._artifact,
            options=prepared.options,
            order=prepared.order,
            sweep=prepared.sweep.option if prepared.sweep else None,
            audits=(*prepared.audits, *self.outputs.passed, *(["leak"] if len(self.blocks) > LEAK_BLOCKS else [])),
            disturbed=self.is_disturbed,
            energy_j=energy_of_a_run(used),
            finished=self.finished,
            notes=tuple(notes),
            blocks=tuple(self.blocks),
            output=self.request.output,
            features=self.errors if isinstance(self.errors, FeatureErrors) else None,
        )

    def _notes(self) -> list[str]:
        notes = list(self._prepared.notes) if self._prepared else []
        if self._artifact and self._artifact.extrapolated:
            notes.append(f"extrapolates: {self._artifact.extrapolated}")
        if remark := unchecked(self.request):
            notes.append(remark)
        gate = self._settings.max_error
        if gate is not None and isinstance(self.errors, Accuracy) and self.errors.mae > gate:
            notes.append(f"accuracy gate failed: MAE {self.errors.mae:.2e} is above {gate:g}")
        difference = self._clock_difference()
        if difference is not None and abs(difference) > CLOCKS_AGREE:
            notes.append(f"the device's clock shows {difference:+.0%} of the time that passed")
        if self._is_busy_while_idle():
            notes.append(f"its idle worker used more than {IDLE_SHARE:.0%} of a CPU, which slows the others down")
        return notes

    def _clock_difference(self) -> float | None:
        """Return by how much the device's clock differs from the harness's, relative to it, in the median."""
        times = [(block.device_s, block.compute_s) for block in self.blocks if block.device_s is not None]
        return statistics.median(device_s / wall_s - 1 for device_s, wall_s in times) if times else None

    def _is_busy_while_idle(self) -> bool:
        later = self.blocks[1:]
        idle_s = sum(
            block.started_s - before.started_s - before.upload_s - before.runs * before.compute_s - before.download_s
            for before, block in zip(self.blocks, later, strict=False)
        )
        return sum(block.idle_cpu_s for block in later) > IDLE_SHARE * idle_s

    def _select_artifact(self, problem: Problem) -> str | None:
        try:
            path = self.request.artifact_path(problem)
        except Unavailable as error:
            raise Stopped("unavailable", str(error)) from None
        if path is None:
            return None
        path = self._program.own(path)
        artifact = load_artifact(path)
        outside = uncovered(artifact.metadata, problem)
        if outside and not self._settings.extrapolate:
            raise Stopped("refused", f"{outside}; measure it all the same with --extrapolate")
        structure, training = artifact.structure, artifact.metadata.training
        self._artifact = ArtifactRecord(
            path.name,
            artifact.digest,
            structure.hidden,
            structure.activations,
            training.seconds,
            training.data_seconds,
            outside,
        )
        return str(path)

    def _ask(self, asked: protocol.Request) -> protocol.Reply:
        assert self._worker is not None
        try:
            reply = self._worker.ask(asked, self._settings.timeout_s)
        except WorkerTimeout as error:
            raise Stopped("timed_out", str(error)) from None
        except WorkerLost as error:
            raise Stopped("failed", str(error)) from None
        if not isinstance(reply, protocol.Failed):
            return reply
        if reply.kind == "invalid":
            raise FhnbenchError(f"{self._program.interpreter}: " * self._program.foreign + reply.message)
        raise Stopped(reply.kind, reply.message)
