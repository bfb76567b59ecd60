"""That it is what the interface describes, and declares itself honestly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from fhnbench.errors import Refused
from fhnbench.plugins.interfaces import Effective, Execution, Runtime, Solver
from fhnbench.testing.outcome import ConformanceFailure
from fhnbench.workload import Precision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble
    from fhnbench.testing.subject import Prepared, Subject

_ULPS = 256


def check_interface(subject: Subject) -> None:
    """Check that the plugin's class is a documented frozen dataclass of the right base, and prepares an `Execution`.

    Its fields are the options that users set and its docstring is what `fhnbench plugins NAME` shows; an object that
    could change after its options were validated could change between the accuracy check and the measurement.
    """
    cls = type(subject.plugin)
    base = Solver if subject.kind == "solver" else Runtime
    if not issubclass(cls, base):
        raise ConformanceFailure(f"{cls.__qualname__} does not derive from fhnbench.{base.__name__}")
    if not (dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen):
        raise ConformanceFailure(f"{cls.__qualname__} is no frozen dataclass")
    if cls.__doc__ is None or cls.__doc__.startswith(f"{cls.__name__}("):  # what dataclasses write if there is none
        raise ConformanceFailure(f"{cls.__qualname__} has no docstring")
    if isinstance(subject.plugin, Solver) and not _is_order(order := getattr(cls, "order", None)):
        raise ConformanceFailure(f"{cls.__qualname__}.order is {order!r}, not a positive whole number")
    with subject.prepared() as prepared:
        if not isinstance(prepared.execution, Execution):
            kind = type(prepared.execution).__qualname__
            raise ConformanceFailure(f"prepare returned a {kind}, which does not derive from fhnbench.Execution")


def check_output(subject: Subject) -> None:
    """Check that the output is ``states[T, 2, N]`` as owed: dtype, layout, finite, first save point.

    Everything that reads trajectories (errors, spike times, files, pictures) relies on this layout; it is the one
    check on which all others stand.
    """
    subject.trajectories(subject.ensemble())


def check_effective(subject: Subject) -> None:
    """Check that `Execution.effective` names a device and the precision that was asked for, before and after a run.

    Results are compared only among equals: a fall-back to another device or precision must be an error, not a row.
    """
    with subject.prepared() as prepared:
        _compute_as_declared(prepared, subject.ensemble())


def check_precision(subject: Subject) -> None:
    """Check that each precision is refused in one line, or honoured: declared, and fine enough to be noticed.

    A change of u0 by 256 units in the last place must change the trajectories of most samples. It doesn't where
    arithmetic is coarser than declared: float32 under the name float64, or a library's TF32 under the name float32.
    """
    for precision in get_args(Precision):
        asked = subject.with_precision(precision)
        try:
            with asked.prepared() as prepared:
                states = _compute_as_declared(prepared, asked.ensemble())
                if "u0" in subject.problem.varied:
                    _require_resolution(prepared, asked.ensemble(), states)
        except Refused as refusal:
            if "\n" in str(refusal) or not str(refusal):
                raise ConformanceFailure(f"refuses {precision} in no or in several lines: {refusal!r}") from None


def _is_order(order: object) -> bool:
    return isinstance(order, int) and order >= 1


def _compute_as_declared(prepared: Prepared, ensemble: Ensemble) -> NDArray[Any]:
    """Return the trajectories of an ensemble if the execution declares the device and precision that were asked for."""
    before = prepared.execution.effective
    states = prepared.compute(ensemble)
    after, precision = prepared.execution.effective, prepared.workload.precision
    if not isinstance(before, Effective) or not isinstance(before.device, str) or not before.device:
        raise ConformanceFailure(f"effective is {before!r}, not an Effective with the name of a device")
    if before != after:
        raise ConformanceFailure(f"effective was {before} before the run and is {after} after it")
    if before.precision != precision:
        raise ConformanceFailure(
            f"asked for {precision} it computes in {before.precision}; prepare must raise Refused instead"
        )
    return states


def _require_resolution(prepared: Prepared, ensemble: Ensemble, states: NDArray[Any]) -> None:
    """Raise `ConformanceFailure` unless a small change of the ensemble changes the trajectories of most samples."""
    precision = prepared.workload.precision
    spacing = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}[precision]
    towards_zero = (1 - _ULPS * spacing) * ensemble.u0  # so that it stays inside the training range
    moved = dataclasses.replace(ensemble, u0=towards_zero.astype(ensemble.u0.dtype))
    changed = (prepared.compute(moved)[1:] != states[1:]).any(axis=(0, 1))
    if changed.mean() < 0.5:
        raise ConformanceFailure(
            f"declares {precision}, yet a change of u0 by {_ULPS} units in the last place changes the "
            f"trajectories of only {np.count_nonzero(changed)} of {changed.size} samples"
        )
