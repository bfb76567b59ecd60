"""Solvers that misbehave on request; without the misbehaviour they are Euler's method."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from fhnbench import Cost, Execution, HostExecution, Solver


@dataclass(frozen=True)
class Correct(Solver):
    """Euler's method in NumPy."""

    order: ClassVar[int] = 1

    dt: float = 0.1

    def prepare(self, workload):
        workload.require_precision("float32", "float64")
        self.misbehave("prepare")
        substeps = workload.substeps(self.dt)
        kernel = partial(self._kernel, model=workload.model, h=workload.save_interval / substeps, substeps=substeps)
        return MisbehavingExecution(self, HostExecution(workload, kernel))

    def cost(self, workload):
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        return Cost(9.0 * steps * workload.size, 3.0 * workload.dtype.itemsize * np.prod(workload.shape))

    def misbehave(self, where):
        """Do what a subclass is for, at one of the places `prepare`, `run`, `output`."""

    def spoil(self, states):
        """Return what `output` returns."""
        return states

    def _kernel(self, u0, w0, i_app, states, *, model, h, substeps):
        self.misbehave("run")
        states[0] = u0, w0
        u, w = u0.copy(), w0.copy()
        for point in range(1, len(states)):
            for _ in range(substeps):
                du, dw = model.derivative(u, w, i_app)
                u += h * du
                w += h * dw
            states[point] = u, w


class MisbehavingExecution(Execution):
    """An execution that asks its solver to misbehave and to spoil the output."""

    notes = ("it misbehaves on request",)

    def __init__(self, solver, inner):
        self.solver, self.inner, self.effective = solver, inner, inner.effective

    def upload(self, ensemble):
        self.inner.upload(ensemble)

    def run(self):
        self.inner.run()

    def synchronize(self):
        self.inner.synchronize()

    def output(self):
        self.solver.misbehave("output")
        return self.solver.spoil(self.inner.output())

    def close(self):
        self.inner.close()


@dataclass(frozen=True)
class Hangs(Correct):
    """A solver that never returns, and leaves a child behind that does not either."""

    where: Literal["prepare", "run", "output"] = "run"

    def misbehave(self, where):
        if where == self.where:
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            time.sleep(600)


@dataclass(frozen=True)
class Dies(Correct):
    """A solver that ends its process."""

    how: Literal["exit", "segfault", "kill"] = "exit"
    where: Literal["prepare", "run"] = "run"

    def misbehave(self, where):
        if where != self.where:
            return
        if self.how == "exit":
            os._exit(0)
        os.kill(os.getpid(), signal.SIGSEGV if self.how == "segfault" else signal.SIGKILL)


@dataclass(frozen=True)
class ReturnsGarbage(Correct):
    """A solver whose output is no trajectories."""

    what: Literal["shape", "dtype", "nan", "first", "list", "object"] = "shape"

    def spoil(self, states):
        if self.what == "nan":
            states = states.copy()
            states[-1, 1, -1] = np.nan
        elif self.what == "first":
            states = states.copy()
            states[0] += 1
        garbage = {"shape": states[1:], "dtype": states.astype(np.int32), "list": [1, 2], "object": object()}
        return garbage.get(self.what, states)


class OwnError(Exception):
    """An exception that no one else knows."""


@dataclass(frozen=True)
class Throws(Correct):
    """A solver that raises an exception of its own, with a message of two lines."""

    where: Literal["init", "prepare", "run", "output"] = "run"

    def __post_init__(self):
        self.misbehave("init")

    def misbehave(self, where):
        if where == self.where:
            raise OwnError(f"raised in {where}\nsecond line")


@dataclass(frozen=True)
class Prints(Correct):
    """A correct solver that prints to standard output by Python, by file descriptor and by a child.

    Parameters
    ----------
    dt
        Step in time units.
    """

    def misbehave(self, where):
        print(f"printed in {where}", flush=True)  # noqa: T201
        os.write(1, b"written to file descriptor 1\n")
        subprocess.run(["echo", "printed by a child"], check=True)
