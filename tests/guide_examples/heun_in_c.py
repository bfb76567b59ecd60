"""The solver ``heun-c``: a function in a shared library, called through ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from fhnbench import Cost, HostExecution, Solver

if TYPE_CHECKING:
    from fhnbench import Workload


@final
@dataclass(frozen=True)
class Heun(Solver):
    """Heun's method in C, on one thread.

    Parameters
    ----------
    dt
        Step in time units; it divides the save interval.
    """

    order: ClassVar[int] = 2

    dt: float = 0.1

    def prepare(self, workload: Workload) -> HostExecution:
        """Return an execution; refuses float16, bfloat16 and steps that do not divide the save interval."""
        workload.require_precision("float32", "float64")
        substeps, model = workload.substeps(self.dt), workload.model
        function = ctypes.CDLL(str(Path(__file__).with_name(f"heun_{workload.dtype}.so"))).heun
        array = np.ctypeslib.ndpointer(workload.dtype, flags="C_CONTIGUOUS")
        function.argtypes = [*[ctypes.c_long] * 3, *[ctypes.c_double] * 5, *[array] * 4]
        function.restype = None
        sizes = workload.size, workload.save_points, substeps
        constants = workload.save_interval / substeps, model.a, model.b, model.c, model.tau
        return HostExecution(workload, partial(function, *sizes, *constants))

    def cost(self, workload: Workload) -> Cost:
        """Return 20 operations a step: two derivatives of 7 and the step, multiply-adds fused."""
        steps = (workload.save_points - 1) * workload.substeps(self.dt)
        values = (2 * workload.save_points + 3) * workload.size
        return Cost(operations=20.0 * steps * workload.size, bytes=float(values * workload.dtype.itemsize))
