"""The launches that solve an ensemble: one kernel for the whole horizon, or, as a weak baseline, one for each step."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from fhnbench import EULER, HEUN, HEUN3, RK4, SPIKE_THRESHOLD
from fhnbench_cuda.compiler import KernelProgram
from fhnbench_cuda.execution import Launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fhnbench import FitzHughNagumo, FoldedStep, Tableau, Workload
    from fhnbench_cuda.execution import Buffers

BLOCK = 128
"""Threads of a block, as in stepping.cu."""

_LONGEST_CHUNK = 128
"""Most operations without a branch; the three instructions of a branch are then a fortieth of what is executed."""

_OPERATIONS = {tableau.stages: tableau.operations for tableau in (EULER, HEUN, HEUN3, RK4)}

_C_TYPES = {"float32": ("float", ctypes.c_float), "float64": ("double", ctypes.c_double)}


class Folded:
    """Folded steps: the whole horizon in one launch.

    Parameters
    ----------
    step
        The step's coefficients.
    stages
        Number of stages of the method.
    substeps
        Steps in a save interval.
    workload
        Sizes and dtype.
    per_thread
        Samples that a thread solves.
    half
        Whether the trajectories are stored in float16; not features, which the workload may ask for in their place.
    """

    def __init__(
        self, step: FoldedStep, substeps: int, workload: Workload, *, stages: int, per_thread: int, half: bool
    ) -> None:
        self._step, self._substeps, self._workload, self._per_thread = step, substeps, workload, per_thread
        self._chunks = substeps // chunk_of(substeps, stages)
        if workload.output == "features":
            self._kernel = features_kernel(workload.dtype.name, stages, substeps, per_thread)
        else:
            self._kernel = solve_kernel(workload.dtype.name, stages, substeps, per_thread, half=half)
        self.program = KernelProgram("stepping.cu", (self._kernel,))

    def launches(self, buffers: Buffers) -> Sequence[Launch]:
        """Return the launch."""
        workload = self._workload
        _, number = _C_TYPES[workload.dtype.name]
        numbers = self._step.numbers(workload.dtype, self._substeps)
        of_features = (workload.save_interval, SPIKE_THRESHOLD) if workload.output == "features" else ()
        arguments = (
            *(ctypes.c_void_p(address) for address in (buffers.u0, buffers.w0, buffers.i_app, buffers.states.address)),
            *(ctypes.c_uint(count) for count in (workload.size, workload.save_points, self._chunks)),
            *map(number, of_features),
            structure(number, numbers),
        )
        return [Launch(self._kernel, blocks(workload.size, BLOCK * self._per_thread), BLOCK, arguments)]


class Naive:
    """Textbook steps: a launch for each, the state in memory between them.

    Parameters
    ----------
    tableau
        The method.
    model
        The model, which the kernel evaluates as it is written.
    substeps
        Steps in a save interval.
    workload
        Sizes and dtype.
    """

    def __init__(self, tableau: Tableau, model: FitzHughNagumo, substeps: int, workload: Workload) -> None:
        self._workload, self._substeps = workload, substeps
        dt = workload.save_interval / substeps
        self._numbers = (model.a, model.b, model.c, model.tau, dt, 0.0, *tableau.nodes, *tableau.weights)
        kind, _ = _C_TYPES[workload.dtype.name]
        self._begin, self._step = f"copy_initial<{kind}>", f"step_once<{kind}, {tableau.stages}>"
        self.program = KernelProgram("stepping.cu", (self._begin, self._step))

    def launches(self, buffers: Buffers) -> Sequence[Launch]:
        """Return the launches of all steps, those that are alike as one object."""
        return list(self._launches(buffers))

    def _launches(self, buffers: Buffers) -> Iterator[Launch]:
        size, itemsize = self._workload.size, self._workload.dtype.itemsize
        row = size * itemsize
        _, number = _C_TYPES[self._workload.dtype.name]
        method = structure(number, self._numbers)
        grid = blocks(size, BLOCK)

        def launch(kernel: str, read: int, write: int, *more: Any) -> Launch:
            """Return the launch that reads a state at one address and writes it at another: u, and w a row later."""
            current = () if kernel == self._begin else (ctypes.c_void_p(buffers.i_app),)
            ends = (*map(ctypes.c_void_p, (read, read + row)), *current, *map(ctypes.c_void_p, (write, write + row)))
            return Launch(kernel, grid, BLOCK, (*ends, ctypes.c_uint(size), *more))

        state = buffers.scratch(2 * row)
        between = launch(self._step, state, state, method)
        yield launch(self._begin, buffers.u0, buffers.states.address)
        for point in range(1, self._workload.save_points):
            saved, target = (buffers.states.address + 2 * row * number for number in (point - 1, point))
            if self._substeps == 1:
                yield launch(self._step, saved, target, method)
                continue
            yield launch(self._step, saved, state, method)
            yield from [between] * (self._substeps - 2)
            yield launch(self._step, state, target, method)


def solve_kernel(dtype: str, stages: int, substeps: int, per_thread: int, *, half: bool) -> str:
    """Return the name of the kernel that solves in a dtype, float32 or float64, with so many steps a save interval."""
    kind, _ = _C_TYPES[dtype]
    return f"solve<{kind}, {'Half' if half else kind}, {stages}, {_chunks(substeps, stages)}, {per_thread}>"


def features_kernel(dtype: str, stages: int, substeps: int, per_thread: int) -> str:
    """Return the name of the kernel that puts out features; parameters as for `solve_kernel`."""
    kind, _ = _C_TYPES[dtype]
    return f"solve_features<{kind}, {stages}, {_chunks(substeps, stages)}, {per_thread}>"


def _chunks(substeps: int, stages: int) -> str:
    """Return the length and the number of chunks as the kernels' parameters."""
    chunk = chunk_of(substeps, stages)
    return f"{chunk}, {1 if chunk == substeps else 0}"  # with 0 the kernel serves any number of chunks


def chunk_of(substeps: int, stages: int) -> int:
    """Return how many steps are compiled in a row: as many as divide the save interval's and are not too long."""
    longest = max(1, min(substeps, _LONGEST_CHUNK // _OPERATIONS[stages]))
    return next(chunk for chunk in range(longest, 0, -1) if substeps % chunk == 0)


def structure(number: Any, values: Sequence[float]) -> ctypes.Structure:
    """Return numbers of one C type as a structure, which is passed by value."""
    members = type("Numbers", (ctypes.Structure,), {"_fields_": [("values", number * len(values))]})
    made: ctypes.Structure = members((number * len(values))(*values))
    return made


def blocks(size: int, of: int) -> int:
    """Return how many blocks take in so many samples."""
    return -(-size // of)
