"""Explicit vectors for compiled kernels: a number type that is several vector registers wide.

Inside a function compiled by `fhnbench.jit`, `load` gives a value of adjacent samples that is added, subtracted and
multiplied like a number, lane by lane, also with scalars. A state kept in such a value stays in registers over any
number of steps, whatever the loop around it looks like; LLVM's automatic vectorisation gives that only to loops that
it unrolls completely. A value is made several registers wide so that their dependency chains hide the latency
of the arithmetic units from each other.

Use it as a module: ``from fhnbench import jit, lanes``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from fhnbench.arrays import ALIGNMENT
from fhnbench.native import REGISTER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike


def count(dtype: DTypeLike, registers: int) -> int:
    """Return how many numbers of `dtype` fit into `registers` vector registers."""
    return registers * REGISTER_BYTES // np.dtype(dtype).itemsize


class Lanes(types.Type):
    """The numba type of `size` numbers of one type; `size` is a power of two."""

    def __init__(self, element: Any, size: int) -> None:
        self.element = element
        self.size = size
        super().__init__(f"Lanes({element}, {size})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = manager.lookup(lanes.element).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, lanes.size))  # type: ignore[no-untyped-call]


def _intrinsic(define: Callable[..., Any]) -> Any:
    """Make a function of compiled code from one that types its arguments and generates its instructions."""
    return intrinsic(prefer_literal=True)(define)


@_intrinsic
def load(_context: Any, array: Any, start: Any, registers: Any) -> Any:
    """Return the elements of a contiguous one-dimensional array from `start`, as many as `registers` hold.

    `registers` is a literal or global constant. Nothing checks that the elements exist.
    """
    if not (_is_place(array, start) and isinstance(registers, types.IntegerLiteral)):
        return None
    lanes = Lanes(array.dtype, count(array.dtype.name, registers.literal_value))

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _element_pointer(target, builder, signature, arguments, lanes)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return lanes(array, types.intp, registers), generate


@_intrinsic
def store(_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a value to the elements of a contiguous one-dimensional array from `start`."""
    if not (_is_place(array, start) and isinstance(value, Lanes)):
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _element_pointer(target, builder, signature, arguments, value)
        builder.store(arguments[2], pointer, align=array.dtype.bitwidth // 8)
        return target.get_dummy_value()

    return types.void(array, types.intp, value), generate


@_intrinsic
def stream(_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a value past the caches; the address is a multiple of `arrays.ALIGNMENT` bytes.

    Large results that nobody reads soon are written faster this way. `drain` before another thread reads them.
    """
    if not (_is_place(array, start) and isinstance(value, Lanes)):
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _element_pointer(target, builder, signature, arguments, value)
        instruction = builder.store(arguments[2], pointer, align=ALIGNMENT)
        one = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        instruction.set_metadata("nontemporal", one)
        return target.get_dummy_value()

    return types.void(array, types.intp, value), generate


@_intrinsic
def drain(_context: Any) -> Any:
    """Wait until everything that `stream` wrote is visible to other threads."""

    def generate(target: Any, builder: Any, *_: Any) -> Any:
        builder.fence("seq_cst")
        return target.get_dummy_value()

    return types.void(), generate


def _is_place(array: Any, start: Any) -> bool:
    contiguous = isinstance(array, types.Array) and array.layout == "C" and array.ndim == 1
    return contiguous and isinstance(start, types.Integer)


def _element_pointer(target: Any, builder: Any, signature: Any, arguments: Any, lanes: Lanes) -> Any:
    array = target.make_array(signature.args[0])(target, builder, arguments[0])
    pointer = builder.gep(array.data, [arguments[1]])
    return builder.bitcast(pointer, target.get_value_type(lanes).as_pointer())


def _broadcast(target: Any, builder: Any, value: Any, given: Any, lanes: Lanes) -> Any:
    if isinstance(given, Lanes):
        return value
    index = ir.IntType(32)
    undefined = ir.Constant(target.get_value_type(lanes), ir.Undefined)
    first = builder.insert_element(undefined, target.cast(builder, value, given, lanes.element), index(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, lanes.size), [0] * lanes.size))


def _define(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    """Let an operator of Python work on two lanes of one type, or on lanes and a scalar."""

    def result(_context: Any) -> Callable[[Any, Any], Any]:
        def typer(left: Any, right: Any) -> Any:
            lanes = left if isinstance(left, Lanes) else right
            other = right if lanes is left else left
            return lanes if isinstance(lanes, Lanes) and (other == lanes or isinstance(other, types.Number)) else None

        return typer

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = signature.return_type
        operands = [
            _broadcast(target, builder, value, given, lanes)
            for value, given in zip(arguments, signature.args, strict=True)
        ]
        return getattr(builder, instruction)(*operands, flags=("contract",))

    type_callable(symbol)(result)
    for left, right in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(symbol, left, right)(generate)  # type: ignore[no-untyped-call]


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
