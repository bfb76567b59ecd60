"""That an execution keeps to itself, from `prepare` to `close`."""

from __future__ import annotations

import contextlib
import gc
import math
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

from fhnbench.errors import Refused
from fhnbench.measure.threads import wanted_time_of_others
from fhnbench.testing.compare import require_equal, require_same
from fhnbench.testing.ensembles import read_only
from fhnbench.testing.outcome import ConformanceFailure, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench.testing.subject import Prepared, Subject

_CYCLES = 2
_MANY = 100_000
_SOME = 20_000

_GRACE_S = 0.3
_REST_S = 0.2
_IDLE_SHARE = 0.2
"""Part of a CPU that may be in use once threads of pools, which spin for a while, have had time to fall asleep."""


def check_independent_executions(subject: Subject) -> None:
    """Check that a second execution, prepared, run and closed beside the first, does not disturb it.

    Buffers, streams or constants that belong to the module rather than to the execution would be shared.
    """
    first, second = subject.two_ensembles()
    with subject.prepared() as one:
        one.execution.upload(first)
        with subject.prepared() as other:
            other.execution.upload(second)
            one.execution.run()
            other.execution.run()
            one.execution.synchronize()
            other.execution.synchronize()
            beside, after = "with a newer execution beside it", "after a newer execution was closed"
            from_one, from_other = one.output(first, beside), other.output(second, "with an older execution beside it")
        after_close = one.compute(first, after)
    expected = subject.trajectories(first)
    require_same(from_one, expected, subject.precision, beside)
    require_same(from_other, subject.trajectories(second), subject.precision, "with an older execution beside it")
    require_same(after_close, expected, subject.precision, after)


def check_output_of_last_run(subject: Subject) -> None:
    """Check that `output` returns the trajectories of the last `run`: not of an earlier one, nor of inputs not yet run.

    The trajectories of a *timed* run are audited; an output that belongs to another run would hide what was timed.
    """
    first, second = subject.two_ensembles()
    with subject.prepared() as prepared:
        expected = prepared.compute(first)
        prepared.execution.upload(second)
        prepared.execution.synchronize()
        waiting = prepared.execution.output().copy()
        prepared.execution.run()
        prepared.execution.synchronize()
        found = prepared.execution.output().copy()
    require_equal(waiting, expected, "after an upload that no run followed")
    require_same(found, subject.trajectories(second), subject.precision, "after a second run")


def check_close(subject: Subject) -> None:
    """Check that `close` releases what was prepared, and an array that `output` returned stays as it is.

    A run of the harness prepares many contenders one after the other. Memory is counted where Python and NumPy
    allocate it.
    """
    ensemble = subject.ensemble()
    execution = subject.contender.prepare(subject.workload())
    execution.upload(ensemble)
    execution.run()
    execution.synchronize()
    states = execution.output()
    before = states.copy()
    execution.close()
    del execution
    gc.collect()
    overwriting = [np.full_like(before, -1.0) for _ in range(_CYCLES)]
    require_equal(states, before, "after close, in the array that output had returned")
    del states, overwriting
    _require_released(subject)


def _require_released(subject: Subject) -> None:
    # So many samples that their buffers stand out from what libraries keep in caches of their own.
    ensemble = read_only(subject.problem.sample(_MANY), subject.workload().dtype)
    owed = math.prod(subject.workload(_MANY).shape) * ensemble.u0.itemsize
    tracemalloc.start()
    try:
        for _ in range(_CYCLES):
            with _prepared_for_many(subject, _MANY) as prepared:
                prepared.execution.upload(ensemble)
            del prepared
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if left > _CYCLES * owed // 2:
        raise ConformanceFailure(f"{_CYCLES} executions that were closed left {left:,} bytes behind")


def check_idle(subject: Subject) -> None:
    """Check that nothing computes any more when `synchronize` has returned.

    Work that goes on is not timed, and slows down whichever contender has its turn next. It is seen by the time that
    other threads of this process want a processor while this one sleeps; work on another device is seen by the audits
    of `fhnbench run`.
    """
    if wanted_time_of_others() is None:
        raise NotApplicable("this system does not tell what threads do")
    ensemble = read_only(subject.problem.sample(_SOME), subject.workload().dtype)
    with _prepared_for_many(subject, _SOME) as prepared:
        busy: list[float] = []
        for _ in range(_CYCLES):
            prepared.execution.upload(ensemble)
            prepared.execution.run()
            prepared.execution.synchronize()
            time.sleep(_GRACE_S)
            before = wanted_time_of_others() or 0
            time.sleep(_REST_S)
            busy.append(((wanted_time_of_others() or 0) - before) / (1e9 * _REST_S))
    if min(busy) > _IDLE_SHARE:
        raise ConformanceFailure(f"after synchronize it still keeps {min(busy):.0%} of a CPU busy")


@contextlib.contextmanager
def _prepared_for_many(subject: Subject, size: int) -> Iterator[Prepared]:
    try:
        with subject.prepared(size) as prepared:
            yield prepared
    except Refused as refusal:
        raise NotApplicable(f"it refuses the {size:,} samples that show this: {refusal}") from None
