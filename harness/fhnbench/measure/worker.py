"""A worker: a process that prepares one contender and measures the blocks that the coordinator asks for."""

from __future__ import annotations

import gc
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from fhnbench.measure import protocol
from fhnbench.measure.audits import AuditFailed, audit
from fhnbench.measure.blocks import LEAK_BLOCKS, LEAK_BYTES
from fhnbench.measure.pinning import pin_busiest_threads
from fhnbench.measure.serving import serve
from fhnbench.measure.statistics import is_stationary
from fhnbench.measure.telemetry import memory_bytes, telemetry
from fhnbench.measure.threads import ThreadTime, thread_times
from fhnbench.plugins.contender import SolverContender, load, request
from fhnbench.plugins.interfaces import Solver
from fhnbench.plugins.options import build, option_fields
from fhnbench.plugins.registry import registry
from fhnbench.plugins.specs import import_target
from fhnbench.problem import Ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench.plugins.contender import SurrogateContender
    from fhnbench.plugins.interfaces import DeviceProbe, Execution

SHORTEST_BLOCK_S = 5e-3
"""Blocks are at least so long, so that the clock and what else a processor does for a moment do not matter."""

WARM_UP_S = 1.0
FEWEST_WARM_RUNS = 2


class ContenderWorker:
    """A prepared contender and its inputs; `wrap` may put another execution around the contender's."""

    def __init__(self, asked: protocol.Prepare, wrap: Callable[[Execution], Execution] = lambda inner: inner) -> None:
        self._workload = asked.workload
        self._given: NDArray[Any] = np.load(asked.inputs, mmap_mode="r")
        self._inputs = np.array(self._given)  # so that a contender that writes to its inputs spoils only its own
        self._inputs.flags.writeable = False
        began = time.perf_counter()
        chosen = request(asked.contender, asked.kind, registry())
        contender = load(chosen, Path(asked.artifact) if asked.artifact else None)
        self._execution: Execution = wrap(contender.prepare(asked.workload))
        prepare_s = time.perf_counter() - began
        run_s = self._warm_up()
        audits: tuple[str, ...] = ()
        if asked.audited:
            audits = audit(self._execution, self._ensemble, self._workload, asked.varied)
            self._require_inputs()
        self._runs = max(1, math.ceil(SHORTEST_BLOCK_S / run_s))
        cost = contender.cost(asked.workload)
        effective = self._execution.effective
        self.ready = protocol.Prepared(
            prepare_s,
            run_s,
            float(cost.operations),
            float(cost.bytes),
            effective.device,
            effective.precision,
            **_described(contender),
            notes=self._execution.notes,
            audits=audits,
        )
        self._telemetry = telemetry(effective.device)
        self._held = memory_bytes() or 0
        self._cpu_s = time.process_time()

    def measure(self, asked: protocol.Measure) -> protocol.Measured:
        """Measure one block."""
        idle_cpu_s = time.process_time() - self._cpu_s
        ensemble = self._ensemble(asked.shift)
        execution, clock = self._execution, time.perf_counter
        runs = 1 if asked.flush_bytes else self._runs  # a second run would find the caches full
        if asked.flush_bytes:
            _flush_caches(asked.flush_bytes)
        elif runs > 1:  # short: wake the threads and fetch what others have put out of the caches
            execution.run()
            execution.synchronize()
        before = self._telemetry.read()
        start = clock()
        execution.upload(ensemble)
        execution.synchronize()
        uploaded = clock()
        if execution.clock:
            execution.clock.start()
        for _ in range(runs):
            execution.run()
        if execution.clock:
            execution.clock.stop()
        execution.synchronize()
        computed = clock()
        states = execution.output()
        downloaded = clock()
        after = self._telemetry.read()
        cpu_s = time.process_time() - self._cpu_s
        if asked.save:
            np.save(asked.save, states, allow_pickle=False)
        self._require_inputs()
        held = self._memory()
        self._cpu_s = time.process_time()
        return protocol.Measured(
            runs,
            uploaded - start,
            (computed - uploaded) / runs,
            downloaded - computed,
            idle_cpu_s,
            device_s=execution.clock.seconds() / runs if execution.clock else None,
            cpu_s=cpu_s,
            waited=_change(before.waited_s, after.waited_s, (after.at_s - before.at_s) * self._workload.threads),
            mhz=after.mhz,
            throttled=bool(_change(before.throttled, after.throttled)) or bool(after.throttled and before.throttled),
            energy_j=_change(before.energy_j, after.energy_j),
            memory_bytes=held,
        )

    def _memory(self) -> int | None:
        """Return the memory that this process holds; what only waits for Python's collector does not count."""
        held = memory_bytes()
        if held is not None and held > self._held + LEAK_BYTES // LEAK_BLOCKS:
            gc.collect()
            held = memory_bytes()
        self._held = held or 0
        return held

    def _require_inputs(self) -> None:
        if not np.array_equal(self._inputs, self._given):
            raise AuditFailed("inputs-written", "the inputs are not what they were before the runs")

    def _warm_up(self) -> float:
        """Run until times are stationary, pin threads; return the time of a warm run in seconds."""
        self._execution.upload(self._ensemble(0))
        durations: list[float] = []
        before: dict[int, ThreadTime] = {}
        began = time.perf_counter()
        while len(durations) < FEWEST_WARM_RUNS or (
            time.perf_counter() - began < WARM_UP_S and not is_stationary(durations)
        ):
            start = time.perf_counter()
            self._execution.run()
            self._execution.synchronize()
            durations.append(time.perf_counter() - start)
            if len(durations) == 1:  # the first run may have loaded code
                before = thread_times()
            elif len(durations) == FEWEST_WARM_RUNS:
                pin_busiest_threads(self._workload.threads, before)
        return float(np.median(durations[-3:]))

    def _ensemble(self, shift: int) -> Ensemble:
        u0, w0, i_app = self._inputs[:, shift : shift + self._workload.size]
        return Ensemble(u0, w0, i_app, self._workload.model)


def _change(before: float | None, after: float | None, per: float = 1.0) -> float | None:
    return None if before is None or after is None else (after - before) / per


def _described(contender: SolverContender | SurrogateContender) -> dict[str, Any]:
    """Return a contender's options, and a solver's order and sweep."""
    plugin = contender.plugin
    options = {field.name: msgspec.to_builtins(getattr(plugin, field.name)) for field in option_fields(type(plugin))}
    if not isinstance(plugin, Solver):
        return {"options": options}
    sweep = plugin.sweep if plugin.sweep.option in options else None
    return {"options": options, "order": plugin.order, "sweep": sweep}


class ProbeWorker:
    """A probe of a device's peaks."""

    def __init__(self, asked: protocol.PrepareProbe) -> None:
        began = time.perf_counter()
        self._probe: DeviceProbe = import_target(asked.target)(asked.workload)
        before = thread_times()
        self._probe.measure()
        pin_busiest_threads(asked.workload.threads, before)
        elapsed = time.perf_counter() - began
        self.ready = protocol.Prepared(elapsed, elapsed, 0, 0, self._probe.device, asked.workload.precision)

    def measure(self, asked: protocol.MeasureProbe) -> protocol.Probed:  # noqa: ARG002 - as a contender's
        """Measure the peaks once."""
        sample = self._probe.measure()
        return protocol.Probed(sample.fma_per_s, sample.bytes_per_s)


def _flush_caches(size: int) -> None:
    scratch = np.empty(size // 8)
    scratch.fill(1.0)


class Answers:
    """What a worker answers; it becomes what the last preparation asked for, a contender made by `contender`."""

    def __init__(self, contender: Callable[[protocol.Prepare], ContenderWorker] = ContenderWorker) -> None:
        self._contender = contender
        self._worker: Any = None

    def __call__(self, asked: protocol.Request) -> protocol.Reply:
        """Return the reply to a request."""
        try:
            return self._answer(asked)
        except AuditFailed as failed:
            return protocol.Failed("failed", str(failed))

    def _answer(self, asked: protocol.Request) -> protocol.Reply:
        if isinstance(asked, protocol.Describe):
            chosen = request(asked.contender, asked.kind, registry())
            solver = build(chosen.name, import_target(chosen.entries[0].spec.target), chosen.options)
            return protocol.Described(**_described(SolverContender(solver)))
        if isinstance(asked, protocol.Prepare | protocol.PrepareProbe):
            self._worker = self._contender(asked) if isinstance(asked, protocol.Prepare) else ProbeWorker(asked)
            ready: protocol.Prepared = self._worker.ready
            return ready
        reply: protocol.Measured | protocol.Probed = self._worker.measure(asked)
        return reply


if __name__ == "__main__":
    serve(protocol.requests, Answers())
