"""The compiled kernel that evaluates a network for an ensemble, and what was measured of it.

**Operations.** For each pass and sample: a multiply-add for each weight, but of the first layer only for the inputs
that are new in a pass (t, or u and w; the rest is summed once for a trajectory); for each neuron the instructions of
its activation, 15 for tanh, 16 for silu, 12 for sin, 1 for relu; one addition for each output that is an increment.
Nothing else occupies the arithmetic units, and all of it is counted while the kernel is built (`count_operations`).
A division, which two neurons share, counts as one, though it takes as long as four even where others hide it.

**Floor.** That count, at one instruction a cycle in each of the arithmetic units, over all vector lanes.

**Design.** Machine code is generated for one `Plan`: sizes and activations are constants in it, weights are data. The
code holds the sums of up to 8 neurons for 3 vectors of samples in 24 of 32 registers, runs over the inputs (3 loads
and 8 broadcasts from cache for 24 multiply-adds), applies the activation to the sums in their registers, and writes
them once, to memory that stays in the first-level cache. Three groups of vectors take turns, so that one group's
arithmetic fills the latencies at the ends of another's pass. Trajectories are written past the caches.

**Gap.** Time over floor on one thread of an Emerald Rapids (two 512-bit units, 2.8 GHz), float32:

==================  ====  ====  ====  ====
network             tanh  silu  sin   relu
==================  ====  ====  ====  ====
3-4-4-2, 50 passes  1.28  1.34  1.06  1.41
3-8-8-2             1.24  1.27  1.08  1.20
3-16-16-2           1.22  1.35  1.08  1.18
3-24-24-2           1.15  1.23  1.03  1.13
4-64-64-2, direct   1.08  1.14  1.04  1.06
==================  ====  ====  ====  ====

What is left is the divisions, and in the smallest networks the latency of a pass, some 200 cycles that must be filled
from a window of 512 instructions. In float64, tanh: 3-8-8-2 1.37, 4-64-64-2 1.21.

Two threads, 100,000 samples, 50 passes, tanh, least time of 30 (5 for the others) taken in turns, in ms:

==================  =====  ====  =====  =====
network             floor  this  ort    torch
==================  =====  ====  =====  =====
3-8-8-2               9.6  11.9     44    372
3-16-16-2            22.8  28.3     80    346
4-64-64-2, direct   176.8   198    366    812
==================  =====  ====  =====  =====

**Tried and left.**

- A division for each neuron: 1.09 times the time for 3-8-8-2 tanh. The approximate reciprocal of AVX-512 with a Newton
  step: the same time as the shared division, on one instruction set only.
- tanh as a quotient of degrees 9 and 8, without doubling the angle: as many operations, 1.7 times the error. With one
  coefficient less, as it is: 5% faster for 3-8-8-2, 1.8 times the error. From an exponential with the scaling
  instructions of AVX-512: 14% faster, but errors up to three times those of torch. Clamping with the one instruction
  that AVX-512 has for it: 5% faster, but it turns not-a-number into one.
- Biases added last: half the rounding error where weights are random and biases large, no difference where a network
  is trained, one operation more for each neuron.
- Code without loops, all values of a layer in registers: up to 1.1 times faster with relu and widths 8 to 16, up to 1.6
  times slower with more vectors or width 32, because LLVM spills; and ten times the code.
- Letting LLVM unroll loops and mix tiles: 1.4 times the time for 3-10-10-2 sin, by spilling; a fence after each tile
  prevents it, and costs the very smallest with relu a tenth.
- 1, 2, 4 or 6 vectors with 24 sums in all: 1 and 2 within 5% (loads limit 1), 4 and 6 slower (spilling).
- Ordinary stores: 1.15 times the time for 3-8-8-2 tanh and 100,000 samples, 6 times for 3-4-4-2 relu.
"""

from __future__ import annotations

import hashlib
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from llvmlite import ir
from numba import prange
from numba.core import types
from numba.extending import intrinsic

from fhnbench import ALIGNMENT, REGISTERS, jit, lanes
from fhnbench_cpu import activations, network_block, network_plan, network_vectors, stepping
from fhnbench_cpu.network_block import Arrays, Block
from fhnbench_cpu.network_plan import Plan, Tile
from fhnbench_cpu.network_vectors import FORMATS, Element, Emitter, Pointer
from fhnbench_cpu.program import Program
from fhnbench_cpu.stepping import collect_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Network

_SOURCES = hashlib.sha256(
    "".join(map(inspect.getsource, (activations, network_block, network_plan, network_vectors, stepping))).encode()
).hexdigest()
"""Part of what compiled code is found by on disk: by itself, numba notices changes of the present file only."""


def tile_for(element: Element) -> Tile:
    """Return the tile that suits the vector registers of this machine: sums take three quarters of them."""
    return Tile(lanes=lanes.count(element, 1), vectors=3, neurons=REGISTERS // 4, groups=3)


def program(network: Network, element: Element) -> Program:
    """Return the program of a network."""
    plan = Plan.of(network, element, tile_for(element))
    return Program(
        plan.tile.block_size,
        plan.thread_memory,
        plan.parameters,
        partial(compile_kernel, plan),
        partial(compile_features, plan),
        partial(count_operations, plan),
    )


def compile_kernel(plan: Plan) -> Callable[..., None]:
    """Return the kernel; see `Program`."""
    structure = msgspec.json.encode((plan, _SOURCES)).decode()
    block_size = plan.tile.block_size

    @jit(parallel=True)
    def evaluate(numbers: Any, inputs: Any, states: Any, memory: Any, stream: bool) -> None:
        parameters, times = numbers
        u0, w0, i_app = inputs
        blocks = (u0.size + block_size - 1) // block_size
        threads = memory.shape[0]
        for thread in prange(threads):
            arrays = (parameters, times, u0, w0, i_app, states, memory[thread])
            for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
                # The last block is moved back to end with the last sample; what it computes again comes out the same.
                start = min(block * block_size, u0.size - block_size)
                _evaluate_block(structure, arrays, start, stream)
            lanes.drain()

    return evaluate


def compile_features(plan: Plan) -> Callable[..., None]:
    """Return the kernel that collects features; see `Program`."""
    structure = msgspec.json.encode((plan, _SOURCES)).decode()
    block_size = plan.tile.block_size

    @jit(parallel=True)
    def evaluate(numbers: Any, inputs: Any, features: Any, memory: Any, trajectories: Any, collected: Any) -> None:
        parameters, times = numbers
        u0, w0, i_app = inputs
        blocks = (u0.size + block_size - 1) // block_size
        threads = memory.shape[0]
        for thread in prange(threads):
            for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
                start = min(block * block_size, u0.size - block_size)
                samples = slice(start, start + block_size)
                arrays = (
                    parameters,
                    times,
                    u0[samples],
                    w0[samples],
                    i_app[samples],
                    trajectories[thread],
                    memory[thread],
                )
                _evaluate_block(structure, arrays, 0, False)
                collect_features(trajectories[thread], (start, u0.size), features.reshape(features.size), collected)

    return evaluate


def count_operations(plan: Plan) -> tuple[int, int]:
    """Return the arithmetic instructions on a vector: those that begin a trajectory, and those of a pass."""
    number, index = FORMATS[plan.element].type.as_pointer(), ir.IntType(64)
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [number, index, ir.IntType(1)]), "count")
    emitter = Emitter(ir.IRBuilder(function.append_basic_block()), plan.element, plan.tile.lanes)
    address, some, stream = function.args
    here = Pointer(emitter, address, 1)
    block = Block(plan, emitter, Arrays(here, here, here, here, here, here, here, some, some, stream))
    block.begin(some)
    begin = emitter.operations
    block.advance(some, some)
    return begin // plan.tile.vectors, (emitter.operations - begin) // plan.tile.vectors


def _define_block(_context: Any, structure: Any, arrays: Any, start: Any, stream: Any) -> Any:
    """Evaluate the network of a plan, a string constant, for the block of samples from `start`.

    `arrays` are the parameters, times, u0, w0, i_app, states and memory.
    """
    kinds = (structure, types.StringLiteral), (start, types.Integer), (stream, types.Boolean)
    if not all(isinstance(given, kind) for given, kind in kinds):
        return None
    plan, _ = msgspec.json.decode(structure.literal_value, type=tuple[Plan, str])

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emitter = Emitter(builder, plan.element, plan.tile.lanes)
        number_size = emitter.format.bits // 8
        views = [
            target.make_array(kind)(target, builder, builder.extract_value(arguments[1], index))
            for index, kind in enumerate(signature.args[1])
        ]
        parameters, times, *samples, memory = (Pointer(emitter, view.data, number_size) for view in views)
        save_points, _, row = (builder.extract_value(views[5].shape, axis) for axis in range(3))
        u0, w0, i_app, states = (pointer.at(arguments[2]) for pointer in samples)
        memory = Pointer(emitter, memory.value, min(ALIGNMENT, plan.tile.lanes * number_size))
        places = Arrays(parameters, times, u0, w0, i_app, states, memory, save_points, row, arguments[3])
        Block(plan, emitter, places).evaluate()
        return target.get_dummy_value()

    return types.void(structure, arrays, types.intp, types.boolean), generate


_evaluate_block: Any = intrinsic(prefer_literal=True)(_define_block)
