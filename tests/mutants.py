"""Contenders that are wrong in one way each, and the correct one that they derive from."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fhnbench import (
    Cost,
    Effective,
    Ensemble,
    Execution,
    FhnbenchError,
    HostExecution,
    Refused,
    Solver,
    standard_problem,
)
from fhnbench.reference import integrate

if TYPE_CHECKING:
    from fhnbench import Workload


@dataclass(frozen=True)
class Heun(Solver):
    """Heun's method in NumPy, correct."""

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> Execution:
        workload.require_precision("float32", "float64")
        workload.substeps(self.dt)
        return HostExecution(workload, functools.partial(self.integrate, workload))

    def cost(self, workload: Workload) -> Cost:
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        values = np.prod(workload.shape) + 3 * workload.size
        return Cost(20.0 * steps * workload.size, float(values * workload.dtype.itemsize))

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        substeps = workload.substeps(self.dt)
        h = workload.save_interval / substeps
        states[0] = u0, w0
        u, w = u0.copy(), w0.copy()
        for point in range(1, workload.save_points):
            for _ in range(substeps):
                u, w = self.step(workload, u, w, i_app, h)
            states[point] = u, w

    def step(self, workload: Workload, u: Any, w: Any, i_app: Any, h: float) -> tuple[Any, Any]:
        du, dw = workload.model.derivative(u, w, i_app)
        du_end, dw_end = workload.model.derivative(u + h * du, w + h * dw, i_app)
        return u + h / 2 * (du + du_end), w + h / 2 * (dw + dw_end)


class Wrapping(Execution):
    """An execution around the correct one, for a mutant to override a method of."""

    def __init__(self, workload: Workload, inner: Execution) -> None:
        self.workload, self.inner, self.effective = workload, inner, inner.effective

    def upload(self, ensemble: Ensemble) -> None:
        self.inner.upload(ensemble)

    def run(self) -> None:
        self.inner.run()

    def synchronize(self) -> None:
        self.inner.synchronize()

    def output(self) -> Any:
        return self.inner.output()

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True)
class Wrapped(Heun):
    """A solver whose execution is a mutant's."""

    execution: ClassVar[type[Wrapping]] = Wrapping

    def prepare(self, workload: Workload) -> Execution:
        return self.execution(workload, super().prepare(workload))


# --- the interface


@dataclass(frozen=True)
class NoSolver:
    """A class that derives from nothing."""

    dt: float = 0.1


@dataclass
class Mutable(Solver):
    """A solver that can be changed after its options were validated."""

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> Execution:
        return Heun(self.dt).prepare(workload)

    def cost(self, workload: Workload) -> Cost:
        return Heun(self.dt).cost(workload)


@dataclass(frozen=True)
class Undocumented(Heun): ...


Undocumented.__doc__ = None


@dataclass(frozen=True)
class NoOrder(Heun):
    """A solver that does not declare its order."""

    order: ClassVar[Any] = "second"


@dataclass(frozen=True)
class NoExecution(Heun):
    """A solver that prepares something else than an execution."""

    def prepare(self, workload: Workload) -> Any:
        inner = super().prepare(workload)
        methods = ("upload", "run", "synchronize", "output", "close", "effective")
        return type("Duck", (), {name: staticmethod(getattr(inner, name)) for name in methods})


# --- the output


@dataclass(frozen=True)
class WrongFirstPoint(Heun):
    """A solver that saves the state after the first interval as the first."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[0] = states[1]


@dataclass(frozen=True)
class OffByOne(Heun):
    """A solver whose save points lag behind by one interval, the first repeated."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[1:] = states[:-1].copy()


class _NonContiguous(Wrapping):
    def output(self) -> Any:
        return np.asfortranarray(self.inner.output())


@dataclass(frozen=True)
class NonContiguous(Wrapped):
    """A solver whose samples are not adjacent in memory."""

    execution = _NonContiguous


class _Transposed(Wrapping):
    def output(self) -> Any:
        return np.ascontiguousarray(self.inner.output().transpose(2, 0, 1))


@dataclass(frozen=True)
class Transposed(Wrapped):
    """A solver that returns ``[N, T, 2]``."""

    execution = _Transposed


class _Double(Wrapping):
    def output(self) -> Any:
        return self.inner.output().astype(np.float64)


@dataclass(frozen=True)
class AlwaysDouble(Wrapped):
    """A solver that returns float64 whatever was asked for."""

    execution = _Double


@dataclass(frozen=True)
class NotFinite(Heun):
    """A solver that loses a sample."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[-1, 1, -1] = np.inf


# --- precision and device


@dataclass(frozen=True)
class SinglePrecision(Heun):
    """A solver that computes in float32 and calls it float64."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        single = np.empty(states.shape, np.float32)
        super().integrate(workload, *(array.astype(np.float32) for array in (u0, w0, i_app)), single)
        states[:] = single
        states[0] = u0, w0


@dataclass(frozen=True)
class HalfInputs(Heun):
    """A solver whose arithmetic rounds its inputs as TF32 does, and calls it float32."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        rounded = (array.astype(np.float16).astype(array.dtype) for array in (u0, w0, i_app))
        super().integrate(workload, *rounded, states)
        states[0] = u0, w0


@dataclass(frozen=True)
class FallsBack(Heun):
    """A solver that runs in float32 where it was asked for a precision that it lacks, and says so."""

    def prepare(self, workload: Workload) -> Execution:
        if workload.precision in {"float16", "bfloat16"}:
            return super().prepare(dataclasses.replace(workload, precision="float32"))
        return super().prepare(workload)


class _Nameless(Wrapping):
    def __init__(self, workload: Workload, inner: Execution) -> None:
        super().__init__(workload, inner)
        self.effective = Effective("", workload.precision)


@dataclass(frozen=True)
class NoDevice(Wrapped):
    """A solver that does not say where it runs."""

    execution = _Nameless


class _Moves(Wrapping):
    def run(self) -> None:
        super().run()
        self.effective = Effective("elsewhere", self.workload.precision)


@dataclass(frozen=True)
class ChangesDevice(Wrapped):
    """A solver that declares one device before the run and another after it."""

    execution = _Moves


# --- inputs


class _WritesInputs(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        self.address = ensemble.w0.ctypes.data

    def run(self) -> None:
        super().run()
        ctypes.memset(self.address, 0, self.workload.dtype.itemsize)


@dataclass(frozen=True)
class WritesInputs(Wrapped):
    """A solver whose machine code writes to the inputs, which no flag of NumPy stops."""

    execution = _WritesInputs


class _WritesInputsOpenly(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        super().upload(ensemble)
        ensemble.i_app[0] = 0


@dataclass(frozen=True)
class WritesInputsOpenly(Wrapped):
    """A solver that writes to the inputs by NumPy, which raises."""

    execution = _WritesInputsOpenly


class _Remembers(Wrapping):
    def upload(self, ensemble: Ensemble) -> None:
        if not hasattr(self, "uploaded"):
            self.uploaded = True
            super().upload(ensemble)


@dataclass(frozen=True)
class RemembersFirstInputs(Wrapped):
    """A solver that computes from the inputs of the first upload for ever."""

    execution = _Remembers


class _RemembersAddress(Wrapping):
    address = 0

    def upload(self, ensemble: Ensemble) -> None:
        if self.address != ensemble.u0.ctypes.data:
            self.address = ensemble.u0.ctypes.data
            super().upload(ensemble)


@dataclass(frozen=True)
class RemembersAddress(Wrapped):
    """A solver that takes inputs at the same address for the same inputs."""

    execution = _RemembersAddress


@dataclass(frozen=True)
class AdvancesInPlace(Heun):
    """A solver whose inputs are the state at the end of the last run."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        first = states[0].copy()
        if np.array_equal(first[0], u0):
            u0[:], w0[:] = states[-1]


@dataclass(frozen=True)
class Noisy(Heun):
    """A solver whose results are a little different each time."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app, states)
        states[1:] += np.random.default_rng().normal(scale=1e-4, size=states[1:].shape)


# --- samples


@dataclass(frozen=True)
class ReadsNeighbour(Heun):
    """A solver that reads the current of the sample before."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, np.concatenate([i_app[:1], i_app[:-1]]), states)


@dataclass(frozen=True)
class CentresBatch(Heun):
    """A solver that subtracts the batch's mean current."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        super().integrate(workload, u0, w0, i_app - 0.1 * i_app.mean(), states)


@dataclass(frozen=True)
class DropsRemainder(Heun):
    """A solver that leaves out the samples beyond the last whole block of 8."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        whole = u0.size // 32 * 32
        states[:] = np.stack([u0, w0])
        if whole:
            super().integrate(workload, u0[:whole], w0[:whole], i_app[:whole], states[:, :, :whole])


# --- executions


class _Stale(Wrapping):
    def output(self) -> Any:
        if not hasattr(self, "first"):
            self.first = self.inner.output().copy()
        return self.first


@dataclass(frozen=True)
class StaleOutput(Wrapped):
    """A solver that returns the output of the first run for ever."""

    execution = _Stale


class _Lazy(Wrapping):
    def run(self) -> None:
        pass

    def output(self) -> Any:
        self.inner.run()
        return self.inner.output()


@dataclass(frozen=True)
class ComputesInOutput(Wrapped):
    """A solver that computes nothing until its output is asked for."""

    execution = _Lazy


class _SharesBuffer(Wrapping):
    shared: ClassVar[dict[tuple[int, ...], Any]] = {}

    def run(self) -> None:
        super().run()
        buffer = self.shared.setdefault(self.workload.shape, self.inner.output().copy())
        buffer[:] = self.inner.output()

    def output(self) -> Any:
        return self.shared[self.workload.shape]


@dataclass(frozen=True)
class SharesBuffer(Wrapped):
    """A solver all of whose executions write to one buffer."""

    execution = _SharesBuffer


class _SharesInputs(Wrapping):
    uploaded: ClassVar[Any] = None

    def upload(self, ensemble: Ensemble) -> None:
        type(self).uploaded = ensemble

    def run(self) -> None:
        if self.uploaded.size == self.workload.size:
            self.inner.upload(self.uploaded)
        super().run()


@dataclass(frozen=True)
class SharesInputs(Wrapped):
    """A solver all of whose executions read the inputs that were uploaded last."""

    execution = _SharesInputs


class _Leaks(Wrapping):
    kept: ClassVar[list[Any]] = []

    def close(self) -> None:
        self.kept.append(self.inner.output())


@dataclass(frozen=True)
class Leaks(Wrapped):
    """A solver whose buffers are never freed."""

    execution = _Leaks


class _FreesOutput(Wrapping):
    def close(self) -> None:
        self.inner.output()[:] = 0


@dataclass(frozen=True)
class FreesOutput(Wrapped):
    """A solver whose output is another's memory after close."""

    execution = _FreesOutput


# --- accuracy


@dataclass(frozen=True)
class WrongOrder(Heun):
    """Heun's method with one weight wrong, which makes it of order 1."""

    def step(self, workload: Workload, u: Any, w: Any, i_app: Any, h: float) -> tuple[Any, Any]:
        du, dw = workload.model.derivative(u, w, i_app)
        du_end, dw_end = workload.model.derivative(u + h * du, w + h * dw, i_app)
        return u + h * (0.4 * du + 0.6 * du_end), w + h * (0.4 * dw + 0.6 * dw_end)


@dataclass(frozen=True)
class ModestOrder(Heun):
    """Heun's method, declared as of order 1."""

    order: ClassVar[int] = 1


@dataclass(frozen=True)
class IgnoresStep(Heun):
    """A solver that takes steps of 0.1 whatever was asked for."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        Heun(0.1).integrate(workload, u0, w0, i_app, states)


@dataclass(frozen=True)
class WrongEquation(Heun):
    """A solver with a parameter of the model written down wrongly."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        wrong = dataclasses.replace(workload, model=dataclasses.replace(workload.model, b=0.85))
        super().integrate(wrong, u0, w0, i_app, states)


# --- options


@dataclass(frozen=True)
class RoundsStep(Heun):
    """A solver that takes the nearest step that is possible without a word."""

    def prepare(self, workload: Workload) -> Execution:
        nearest = round(workload.save_interval / abs(self.dt)) if self.dt else 1
        return Heun(workload.save_interval / max(1, nearest)).prepare(workload)


@dataclass(frozen=True)
class RefusesWithoutRemedy(Heun):
    """A solver that refuses a step and does not say which are possible."""

    def prepare(self, workload: Workload) -> Execution:
        try:
            workload.substeps(self.dt)
        except Refused:
            raise Refused("no") from None
        return super().prepare(workload)


@dataclass(frozen=True)
class RaisesValueError(Heun):
    """A solver that refuses by an exception that is a bug's."""

    def prepare(self, workload: Workload) -> Execution:
        try:
            workload.substeps(self.dt)
        except FhnbenchError as error:
            raise ValueError(str(error)) from None
        return super().prepare(workload)


@dataclass(frozen=True)
class AcceptsNan(Heun):
    """A solver with an option that takes nan."""

    damping: float = 0.0


@dataclass(frozen=True)
class Untyped(Heun):
    """A solver that takes anything for an option that is a number."""

    iterations: Any = 3


# --- cost


@dataclass(frozen=True)
class NoOperations(Heun):
    """A solver that declares no work."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(0.0, super().cost(workload).bytes)


@dataclass(frozen=True)
class FewBytes(Heun):
    """A solver that forgets to count what it writes."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(super().cost(workload).operations, 12.0 * workload.size)


@dataclass(frozen=True)
class ConstantCost(Heun):
    """A solver whose declared work does not grow with the samples."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(1e9, super().cost(workload).bytes)


@dataclass(frozen=True)
class StepFreeCost(Heun):
    """A solver whose declared work does not grow with the steps."""

    def cost(self, workload: Workload) -> Cost:
        return Cost(2e3 * workload.size, super().cost(workload).bytes)


# --- correct, but not everything can be checked


@dataclass(frozen=True)
class NoStep(Solver):
    """A correct solver whose step cannot be chosen."""

    order: ClassVar[int] = 2

    def prepare(self, workload: Workload) -> Execution:
        return Heun().prepare(workload)

    def cost(self, workload: Workload) -> Cost:
        return Heun().cost(workload)


@dataclass(frozen=True)
class SingleOnly(Heun):
    """A correct solver that knows no float64."""

    def prepare(self, workload: Workload) -> Execution:
        workload.require_precision("float32")
        return super().prepare(workload)


@dataclass(frozen=True)
class Exact(Heun):
    """A solver that is as close as the reference, whatever the step."""

    def integrate(self, workload: Workload, u0: Any, w0: Any, i_app: Any, states: Any) -> None:
        problem = dataclasses.replace(standard_problem("C"), model=workload.model)
        states[:] = integrate(problem, Ensemble(u0, w0, i_app, workload.model), 0.005)
