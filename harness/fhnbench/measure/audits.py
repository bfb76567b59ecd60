"""Audits of a contender by its own worker, before anything is timed.

Each has a name, which the row of a contender that fails it begins with:

``inputs-written``
    The inputs are the same after the runs; this is looked at after each block too.
``still-running``
    Nothing goes on after `synchronize`: the output stays as it is, and takes no longer to fetch at once than later.
``output``
    Shape, dtype and layout are those asked for, the first save point is the initial state, every value is finite;
    features are consistent.
``rerun``
    A second run after one upload gives the output of the first.
``repeated-input``
    Inputs that were just computed do not take less time than fresh ones.
``output-of-last-run``
    An upload that no run followed does not change the output.
``perturbed-input``
    Samples whose inputs were changed have another output.
``precision``
    A change of u0 by 256 units in the last place of the declared precision is noticed.

Further ones are made of timed blocks: ``output`` again, ``save-points`` and ``timed-output``
(`fhnbench.measure.outputs`), and ``leak`` (`fhnbench.measure.blocks`).
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.features import check_output
from fhnbench.problem import VARIABLES, Ensemble
from fhnbench.trajectories import ROUNDING, InvalidTrajectories

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from fhnbench.plugins.interfaces import Execution
    from fhnbench.workload import Workload

FASTER = 4.0
"""A repeated input that takes less than a fresh one by this factor, time after time, was remembered."""

LEAST_SAVED_S = 2e-5
"""Differences in time below are the clock's and the scheduler's."""

TRIES = 10
DENIALS = 3
"""A suspicion that rests on times is tried so often again, and dropped when it did not hold so often."""

QUIET_S = 0.05
LONGEST_WAIT_S = 5.0
PERTURBED = 64
ULPS = 256
SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


class AuditFailed(Exception):
    """A contender failed an audit; the message begins with the audit's name."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"audit {name}: {what}")


def audit(
    execution: Execution, ensemble_at: Callable[[int], Ensemble], workload: Workload, varied: Collection[str]
) -> tuple[str, ...]:
    """Audit a prepared and warm execution.

    Parameters
    ----------
    execution
        What to audit.
    ensemble_at
        Returns the inputs from a sample on; different ones for different numbers.
    workload
        Gives size and precision.
    varied
        Names of the inputs in which samples differ; the others are never perturbed.

    Returns
    -------
    tuple
        Names of the audits that were passed.

    Raises
    ------
    AuditFailed
        At the first that is not.
    """
    return _Audit(execution, ensemble_at, workload, [name for name in VARIABLES if name in varied]).run()


class _Audit:
    def __init__(
        self, execution: Execution, ensemble_at: Callable[[int], Ensemble], workload: Workload, varied: list[str]
    ):
        self._execution = execution
        self._ensemble_at = ensemble_at
        self._workload = workload
        self._varied = varied
        self._shift = 0

    def run(self) -> tuple[str, ...]:
        execution = self._execution
        execution.output()  # the first fetch may allocate
        memory = {name: getattr(self._fresh(), name).copy() for name in VARIABLES}
        before = {name: array.copy() for name, array in memory.items()}
        ensemble = self._of(memory)
        fresh_s = self._upload_and_run(ensemble)
        states = self._finished_output(ensemble)
        repeated_s = [self._run()]
        self._require_close(execution.output(), states)
        repeated_s.append(self._upload_and_run(ensemble))
        for name, array in memory.items():
            if not np.array_equal(array, before[name]):
                raise AuditFailed("inputs-written", f"{name} of the inputs is not what it was before the run")
        passed = ["still-running", "rerun", "inputs-written"]
        passed += self._perturb(memory, states)
        if _remembered(fresh_s, min(repeated_s)):
            self._confirm_memory()
        self._require_output(states, self._of(before))
        return (*passed, "repeated-input", "output")

    def _finished_output(self, ensemble: Ensemble) -> NDArray[Any]:
        """Return the output of the last run, which must be complete."""
        execution = self._execution
        began = time.perf_counter()
        at_once = execution.output()
        at_once_s = time.perf_counter() - began
        workload = self._workload
        if not isinstance(at_once, np.ndarray) or (at_once.shape, at_once.dtype) != (workload.shape, workload.dtype):
            self._require_output(at_once, ensemble)
        at_once = at_once.copy()
        _wait_until_quiet()
        began = time.perf_counter()
        later = execution.output()
        later_s = time.perf_counter() - began
        later = later.copy()
        if not np.array_equal(at_once, later, equal_nan=True):
            raise AuditFailed("still-running", "the output changes after synchronize has returned")
        if _remembered(at_once_s, later_s):
            self._confirm_waiting()
            self._upload_and_run(ensemble)  # what follows runs on these inputs again
        return later

    def _require_output(self, states: object, ensemble: Ensemble) -> None:
        try:
            check_output(states, self._workload, ensemble)
        except InvalidTrajectories as error:
            raise AuditFailed("output", str(error)) from None

    def _confirm_waiting(self) -> None:
        """Raise if fetching at once takes longer than later, time after time."""

        def times() -> tuple[float, float]:
            self._upload_and_run(self._fresh())
            at_once_s = self._fetch()
            _wait_until_quiet()
            return at_once_s, self._fetch()

        if found := _confirmed(times):
            raise AuditFailed(
                "still-running", "the output takes {:.2g} s at once after synchronize and {:.2g} s later".format(*found)
            )

    def _confirm_memory(self) -> None:
        """Raise if a repeated input takes less time than a fresh one, time after time.

        What comes before is the same for both: other inputs, or the same inputs, are uploaded and run.
        """

        def times(*, uploads: bool) -> tuple[float, float]:
            ensemble = self._fresh()
            self._upload_and_run(self._fresh())
            fresh_s = self._upload_and_run(ensemble)
            self._upload_and_run(ensemble)
            return fresh_s, self._upload_and_run(ensemble) if uploads else self._run()

        for uploads, what in ((True, "after an upload"), (False, "without another upload")):
            if found := _confirmed(functools.partial(times, uploads=uploads)):
                text = "a run takes {:.2g} s, and {:.2g} s with the same inputs {}"
                raise AuditFailed("repeated-input", text.format(*found, what))

    def _require_close(self, found: NDArray[Any], expected: NDArray[Any]) -> None:
        with np.errstate(invalid="ignore"):  # what is not finite is found in a timed output
            apart = any_of_sample(np.abs(found - expected) > ROUNDING[self._workload.precision])
        if apart.mean() > 0.02:
            raise AuditFailed("rerun", f"run again after one upload, {np.count_nonzero(apart)} samples differ")

    def _perturb(self, memory: dict[str, NDArray[Any]], states: NDArray[Any]) -> list[str]:
        """Change, in the same memory, a few samples' inputs by much and those of the others by little."""
        before = {name: array.copy() for name, array in memory.items()}
        size = self._workload.size
        chosen = np.random.default_rng().choice(size, min(PERTURBED, (size + 1) // 2), replace=False)
        others = np.setdiff1d(np.arange(size), chosen)
        for name in self._varied:
            memory[name][chosen] *= memory[name].dtype.type(0.75)  # towards zero: inside the training range
        if "u0" in self._varied:
            memory["u0"][others] *= memory["u0"].dtype.type(1 - ULPS * SPACING[self._workload.precision])
        self._execution.upload(self._of(memory))
        if not np.array_equal(self._execution.output(), states, equal_nan=True):
            raise AuditFailed("output-of-last-run", "the output changes by an upload that no run followed")
        passed = ["output-of-last-run"]
        self._run()
        found = self._execution.output()
        moved = np.zeros(size, np.bool_)
        for name in self._varied:
            moved |= memory[name] != before[name]
        computed = slice(1, None) if self._workload.output == "trajectories" else slice(None)  # not the initial state
        changed = any_of_sample(found[computed] != states[computed])
        if self._varied:
            same = chosen[moved[chosen] & ~changed[chosen]]
            if same.size:
                raise AuditFailed("perturbed-input", f"other inputs for sample {same[0]} leave its output as it was")
            passed.append("perturbed-input")
        if "u0" in self._varied and others.size:
            if changed[others].mean() < 0.5:
                raise AuditFailed(
                    "precision",
                    f"declares {self._workload.precision}, yet a change of u0 by {ULPS} units in the last place "
                    f"leaves {np.count_nonzero(~changed[others])} of {others.size} samples as they were",
                )
            passed.append("precision")
        return passed

    def _fresh(self) -> Ensemble:
        """Return inputs that were not used before, as far as there are any."""
        size = self._workload.size
        self._shift = (self._shift + max(1, min(16, size // 64))) % size
        return self._ensemble_at(self._shift)

    def _of(self, memory: dict[str, NDArray[Any]]) -> Ensemble:
        views = {name: array.view() for name, array in memory.items()}
        for view in views.values():
            view.flags.writeable = False
        return Ensemble(**views, model=self._workload.model)

    def _upload_and_run(self, ensemble: Ensemble) -> float:
        self._execution.upload(ensemble)
        self._execution.synchronize()
        return self._run()

    def _run(self) -> float:
        began = time.perf_counter()
        self._execution.run()
        self._execution.synchronize()
        return time.perf_counter() - began

    def _fetch(self) -> float:
        began = time.perf_counter()
        self._execution.output()
        return time.perf_counter() - began


def any_of_sample(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which samples, the last axis, something is true of anywhere: ``[N]``."""
    return np.asarray(where.any(axis=tuple(range(where.ndim - 1))))


def _remembered(first_s: float, second_s: float) -> bool:
    """Return whether the second of two times is so short that it cannot have been the same work."""
    return first_s > FASTER * second_s and first_s - second_s > LEAST_SAVED_S


def _confirmed(times: Callable[[], tuple[float, float]]) -> tuple[float, float] | None:
    """Return the last two times if nearly all pairs are of different work, else None."""
    denied = 0
    for _ in range(TRIES):
        pair = times()
        denied += not _remembered(*pair)
        if denied == DENIALS:
            return None
    return pair


def _wait_until_quiet() -> None:
    """Return when this process has used hardly any CPU for a while, or after a few seconds."""
    began = time.perf_counter()
    while time.perf_counter() - began < LONGEST_WAIT_S:
        used, start = time.process_time(), time.perf_counter()
        time.sleep(QUIET_S)
        if time.process_time() - used < 0.2 * (time.perf_counter() - start):
            return
