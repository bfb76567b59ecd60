"""That each run computes from the inputs that it was given, and leaves them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.problem import VARIABLES, Ensemble
from fhnbench.testing.compare import require_equal, require_same
from fhnbench.testing.ensembles import read_only
from fhnbench.testing.outcome import ConformanceFailure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.testing.subject import Subject


def check_inputs_unmutated(subject: Subject) -> None:
    """Check that the arrays of the ensemble are the same after a run.

    They are handed over read-only, which stops Python code, and compared afterwards, which finds machine code that
    writes all the same. All contenders of a run read the same inputs: one that writes to them spoils the others'.
    """
    ensemble = subject.ensemble()
    before = [getattr(ensemble, name).copy() for name in VARIABLES]
    with subject.prepared() as prepared:
        prepared.execution.upload(ensemble)
        prepared.execution.run()
        prepared.execution.synchronize()
    for name, kept in zip(VARIABLES, before, strict=True):
        if not np.array_equal(getattr(ensemble, name), kept):
            raise ConformanceFailure(f"the run changed {name} of the ensemble that it was given")


def check_fresh_inputs(subject: Subject) -> None:
    """Check that a run after new inputs were uploaded computes from them.

    The harness rotates inputs so that nothing can be remembered between runs. Here, other arrays are uploaded, and
    then the same arrays with other contents: an execution that recognises inputs by their address is caught.
    """
    first, second = subject.two_ensembles()
    expected = subject.trajectories(second)
    what = "after new inputs were uploaded"
    with subject.prepared() as prepared:
        prepared.compute(first)
        require_same(prepared.compute(second, what), expected, subject.precision, what)

    arrays = {name: getattr(first, name).copy() for name in VARIABLES}
    ensemble = read_only(Ensemble(**arrays, model=first.model), first.u0.dtype)
    with subject.prepared() as prepared:
        prepared.compute(ensemble)
        for name, array in arrays.items():
            array[:] = getattr(second, name)
        what = "after new inputs were uploaded in the same arrays as those before"
        require_same(prepared.compute(ensemble, what), expected, subject.precision, what)


def check_rerun(subject: Subject) -> None:
    """Check that a second run after one upload gives the same as the first.

    The harness runs several times an upload to measure short computations. A kernel that advances its inputs in place
    would start the second run where the first one ended.
    """
    ensemble = subject.ensemble()
    with subject.prepared() as prepared:
        first = prepared.compute(ensemble)
        prepared.execution.run()
        prepared.execution.run()
        prepared.execution.synchronize()
        what = "run again after one upload"
        _require_repeated(subject, prepared.output(ensemble, what), first, what)


def check_repeatability(subject: Subject) -> None:
    """Check that the same inputs give the same output, after other inputs in between, and in another execution.

    Accuracy is checked on one round and speed is measured on others: they must be the same computation. Solvers repeat
    to the last bit; surrogates to rounding, since matrix libraries choose their kernels by the alignment of memory.
    """
    ensemble, other = subject.ensemble(seed=1), subject.ensemble(seed=2)
    with subject.prepared() as prepared:
        first = prepared.compute(ensemble)
        prepared.compute(other)
        again = prepared.compute(ensemble)
    _require_repeated(subject, again, first, "with the same inputs, after others")
    _require_repeated(subject, subject.trajectories(ensemble), first, "with the same inputs, in another execution")


def _require_repeated(subject: Subject, found: NDArray[Any], expected: NDArray[Any], what: str) -> None:
    if subject.kind == "solver":
        require_equal(found, expected, what)
    else:
        require_same(found, expected, subject.precision, what)
