"""The compiled kernel that evaluates an integrator for an ensemble.

**Operations.** Those of `Integrator`: for a stage two for its cubic and one for each value that its linear function
reads, and at each save point one for u and one for w. What depends on the current alone is computed once for a
trajectory. All of it is counted while the kernel is built.

**Design.** Machine code is generated for the stages of the steps; coefficients are data, broadcast from the first-level
cache. A few vectors of samples advance side by side, so that the chains of one hide the latency of the others', and
stay in registers from the initial state to the horizon. Trajectories are written past the caches.

**Tried and left.** Instructions written for one vector after the other, for LLVM to mix: slower with many stages, by
spilling. Two or four vectors in place of three: no faster.
"""

from __future__ import annotations

import hashlib
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from llvmlite import ir
from numba import prange
from numba.core import types
from numba.extending import intrinsic

from fhnbench import REGISTERS, Integrator, jit, lanes
from fhnbench_cpu import network_vectors, stepping
from fhnbench_cpu.network_vectors import FORMATS, Element, Emitter, Pointer, Vector, size
from fhnbench_cpu.program import Program
from fhnbench_cpu.stepping import collect_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fhnbench import Artifact

_SOURCES = hashlib.sha256((inspect.getsource(network_vectors) + inspect.getsource(stepping)).encode()).hexdigest()
"""Part of what compiled code is found by on disk: by itself, numba notices changes of the present file only."""

_UNITS = 8
"""Numbers before the coefficients: 1 / u_scale, u_scale; the three of z; 1 / z_from_w; and from i_app and one to w."""


class Steps(msgspec.Struct, frozen=True):
    """What the machine code of an integrator depends on.

    Parameters
    ----------
    integrator
        Steps and stages.
    element
        Type of a number.
    lanes
        Samples in a vector.
    vectors
        Vectors of samples that advance side by side.
    """

    integrator: Integrator
    element: Element
    lanes: int
    vectors: int

    @property
    def block_size(self) -> int:
        """Samples that advance side by side."""
        return self.lanes * self.vectors

    def parameters(self, artifact: Artifact) -> NDArray[Any]:
        """Return the units and, for each step, cubics, constants and the linear functions, row by row."""
        tensors = {name: tensor.astype(np.float64) for name, tensor in artifact.tensors.items()}
        u_scale, z_from_w, z_from_i, z_from_one = tensors["units"]
        back = -np.array([z_from_i, z_from_one]) / z_from_w
        numbers = [[1 / u_scale, u_scale, z_from_w, z_from_i, z_from_one, 1 / z_from_w], back]
        for step, stages in enumerate(self.integrator.stages):
            cubic, linear, constant = (tensors[f"steps.{step}.{name}"] for name in ("cubic", "linear", "constant"))
            numbers += [cubic, constant.ravel()]
            numbers += [part for row in range(stages) for part in (linear[row, : row + 1], linear[row, -1:])]
        return np.concatenate(numbers).astype(self.element)


def program(integrator: Integrator, element: Element) -> Program:
    """Return the program of an integrator."""
    steps = Steps(integrator, element, lanes.count(element, 1), 3 if REGISTERS > 16 else 2)
    return Program(
        steps.block_size,
        0,
        steps.parameters,
        partial(compile_kernel, steps),
        partial(compile_features, steps),
        partial(count_operations, steps),
    )


def compile_kernel(steps: Steps) -> Callable[..., None]:
    """Return the kernel; see `Program`. It reads neither the times nor the memory."""
    structure = msgspec.json.encode((steps, _SOURCES)).decode()
    block_size = steps.block_size

    @jit(parallel=True)
    def evaluate(numbers: Any, inputs: Any, states: Any, memory: Any, stream: bool) -> None:
        parameters, _ = numbers
        u0, w0, i_app = inputs
        blocks = (u0.size + block_size - 1) // block_size
        threads = memory.shape[0]
        for thread in prange(threads):
            arrays = (parameters, u0, w0, i_app, states)
            for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
                # The last block is moved back to end with the last sample; what it computes again comes out the same.
                start = min(block * block_size, u0.size - block_size)
                _evaluate_block(structure, arrays, start, stream)
            lanes.drain()

    return evaluate


def compile_features(steps: Steps) -> Callable[..., None]:
    """Return the kernel that collects features; see `Program`."""
    structure = msgspec.json.encode((steps, _SOURCES)).decode()
    block_size = steps.block_size

    @jit(parallel=True)
    def evaluate(numbers: Any, inputs: Any, features: Any, memory: Any, trajectories: Any, collected: Any) -> None:
        parameters, _ = numbers
        u0, w0, i_app = inputs
        blocks = (u0.size + block_size - 1) // block_size
        threads = memory.shape[0]
        for thread in prange(threads):
            for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
                start = min(block * block_size, u0.size - block_size)
                samples = slice(start, start + block_size)
                states = trajectories[thread]
                arrays = (parameters, u0[samples], w0[samples], i_app[samples], states)
                _evaluate_block(structure, arrays, 0, False)
                collect_features(states, (start, u0.size), features.reshape(features.size), collected)

    return evaluate


def count_operations(steps: Steps) -> tuple[int, int]:
    """Return the arithmetic instructions on a vector: those that begin a trajectory, and those of a save interval."""
    number = FORMATS[steps.element].type.as_pointer()
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [number]), "count")
    emitter = Emitter(ir.IRBuilder(function.append_basic_block()), steps.element, steps.lanes)
    inputs = [[emitter.constant(1.0)]] * 3
    trajectories = Trajectories(steps.integrator, Pointer(emitter, function.args[0], 1), inputs)
    begin = emitter.operations
    trajectories.advance()
    return begin, emitter.operations - begin


class Trajectories:
    """The instructions for vectors of samples side by side: their state, and what they keep from their beginning.

    Each value is a list, one vector for each of them. An instruction is written for all before the next one is, so that
    they hide each other's latency, and a coefficient that was broadcast is used up at once.
    """

    def __init__(self, integrator: Integrator, parameters: Pointer, inputs: Sequence[list[Vector]]) -> None:
        """Compute the state of the integrator and all functions of the current from u, w and i_app."""
        self._integrator, self._parameters = integrator, parameters
        u, w, i_app = inputs
        x_from_u, _, z_from_w, z_from_i, z_from_one, _, back_i, back_one = map(self._parameter, range(_UNITS))

        def of_current(factor: Vector, offset: Vector) -> list[Vector]:
            return [current.fma(factor, offset) for current in i_app]

        z = _fma(w, z_from_w, of_current(z_from_i, z_from_one))
        self._w_offset = of_current(back_i, back_one)
        self._constants = []
        place = _UNITS
        for stages in integrator.stages:
            for row in range(place + stages, place + 3 * stages, 2):
                self._constants.append(of_current(self._parameter(row + 1), self._parameter(row)))
            place += _numbers(stages)
        self._state = [
            [vector.emitter.variable(vector) for vector in vectors] for vectors in ([a * x_from_u for a in u], z)
        ]

    def advance(self) -> tuple[list[Vector], list[Vector]]:
        """Advance by one save interval; return u and w."""
        x, z = ([variable.get() for variable in variables] for variables in self._state)
        constants, place = iter(self._constants), _UNITS
        for stages in self._integrator.stages:
            x, z = self._step(x, z, stages, place, constants)
            place += _numbers(stages)
        for variables, vectors in zip(self._state, (x, z), strict=True):
            for variable, vector in zip(variables, vectors, strict=True):
                variable.set(vector)
        u_scale = self._parameter(1)
        return [vector * u_scale for vector in x], _fma(z, self._parameter(5), self._w_offset)

    def _step(
        self, x: list[Vector], z: list[Vector], stages: int, place: int, constants: Iterator[list[Vector]]
    ) -> tuple[list[Vector], list[Vector]]:
        linear = place + 3 * stages
        values, total = [x], z
        for stage in range(stages):
            k = self._parameter(place + stage)
            slopes = [y.from_product(y, k) for y in values[-1]]
            values.append([y.fma(slope, added) for y, slope, added in zip(values[-1], slopes, total, strict=True)])
            # What is known first is added first, so that the last multiply-add waits for nothing else.
            total = _fma(z, self._parameter(linear + stage + 1), next(constants))
            for number in range(stage + 1):
                total = _fma(values[number], self._parameter(linear + number), total)
            linear += stage + 2
        return values[-1], total

    def _parameter(self, place: int) -> Vector:
        return self._parameters.at(place).broadcast()


def _fma(vectors: list[Vector], factor: Vector, addends: list[Vector]) -> list[Vector]:
    return [vector.fma(factor, addend) for vector, addend in zip(vectors, addends, strict=True)]


def _numbers(stages: int) -> int:
    """Return how many coefficients a step has."""
    return 3 * stages + stages * (stages + 3) // 2


def _define_block(_context: Any, structure: Any, arrays: Any, start: Any, stream: Any) -> Any:
    """Evaluate the integrator of a `Steps`, a string constant, for the block of samples from `start`.

    `arrays` are the parameters, u0, w0, i_app and states.
    """
    kinds = (structure, types.StringLiteral), (start, types.Integer), (stream, types.Boolean)
    if not all(isinstance(given, kind) for given, kind in kinds):
        return None
    steps, _ = msgspec.json.decode(structure.literal_value, type=tuple[Steps, str])

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emitter = Emitter(builder, steps.element, steps.lanes)
        views = [
            target.make_array(kind)(target, builder, builder.extract_value(arguments[1], index))
            for index, kind in enumerate(signature.args[1])
        ]
        parameters, *places = (Pointer(emitter, view.data, emitter.format.bits // 8) for view in views)
        u0, w0, i_app, states = (place.at(arguments[2]) for place in places)
        save_points, _, samples = (builder.extract_value(views[4].shape, axis) for axis in range(3))

        def save(row: Any, vectors: list[Vector]) -> None:
            saved = states.at(row, samples)
            with builder.if_else(arguments[3]) as (aligned, otherwise):
                for branch, write in (aligned, Pointer.stream), (otherwise, Pointer.store):
                    with branch:
                        for number, vector in enumerate(vectors):
                            write(saved.at(number, steps.lanes), vector)

        inputs = [[place.at(k, steps.lanes).load() for k in range(steps.vectors)] for place in (u0, w0, i_app)]
        for row in range(2):
            save(size(row), inputs[row])
        trajectories = Trajectories(steps.integrator, parameters, inputs)
        for interval in emitter.repeat(builder.sub(save_points, size(1))):
            for row, vectors in enumerate(trajectories.advance()):
                save(builder.add(builder.mul(interval, size(2)), size(2 + row)), vectors)
        return target.get_dummy_value()

    return types.void(structure, arrays, types.intp, types.boolean), generate


_evaluate_block: Any = intrinsic(prefer_literal=True)(_define_block)
