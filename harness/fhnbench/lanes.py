"""Explicit vectors for compiled kernels: a number type that is several vector registers wide.

Inside a function compiled by `fhnbench.jit`, `load` gives a value of adjacent elements that is added,
subtracted, multiplied and divided like a number, lane by lane, also with scalars. A state that is kept in such a value
stays in registers over any number of steps, whatever the loop around it looks like; LLVM's automatic vectorisation
gives that only to loops that it unrolls completely. A value is several registers wide so that the chains of dependent
operations in its registers hide each other's latency.

Use it as a module: ``from fhnbench import jit, lanes``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from fhnbench.native import REGISTER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import DTypeLike

_INDEX = ir.IntType(32)


def count(dtype: DTypeLike, registers: int) -> int:
    """Return how many numbers of `dtype` fit into `registers` vector registers."""
    return registers * REGISTER_BYTES // np.dtype(dtype).itemsize


class Lanes(types.Type):
    """The numba type of a value that fills `registers` vector registers with numbers of one type."""

    def __init__(self, element: Any, registers: int) -> None:
        self.element = element
        self.registers = registers
        super().__init__(f"Lanes({element}, {registers})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = manager.lookup(lanes.element).get_value_type()
        register = ir.VectorType(element, count(lanes.element.name, 1))
        super().__init__(manager, lanes, ir.ArrayType(register, lanes.registers))  # type: ignore[no-untyped-call]


def _intrinsic(define: Callable[..., Any]) -> Any:
    """Make a function of compiled code from one that types its arguments and generates its instructions."""
    return intrinsic(prefer_literal=True)(define)


@_intrinsic
def load(_context: Any, array: Any, start: Any, registers: Any) -> Any:
    """Return the elements of a contiguous one-dimensional array from `start`, as many as `registers` hold.

    `registers` is a literal or a global constant. Nothing checks that the elements exist.
    """
    if not (_is_place(array, start) and isinstance(registers, types.IntegerLiteral)):
        return None
    lanes = Lanes(array.dtype, registers.literal_value)

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = ir.Constant(target.get_value_type(lanes), ir.Undefined)
        for register, pointer in _pointers(target, builder, signature, arguments, lanes):
            part = builder.load(pointer, align=array.dtype.bitwidth // 8)
            value = builder.insert_value(value, part, register)
        return value

    return lanes(array, types.intp, registers), generate


@_intrinsic
def store(_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a value to the elements of a contiguous one-dimensional array from `start`."""
    if not (_is_place(array, start) and isinstance(value, Lanes)):
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for register, pointer in _pointers(target, builder, signature, arguments, value):
            part = builder.extract_value(arguments[2], register)
            builder.store(part, pointer, align=array.dtype.bitwidth // 8)
        return target.get_dummy_value()

    return types.void(array, types.intp, value), generate


@_intrinsic
def stream(_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a value past the caches, to an address that is a multiple of `fhnbench.ALIGNMENT`.

    Large results that nobody reads soon are written faster this way. Call `drain` before another thread reads them.
    """
    if not (_is_place(array, start) and isinstance(value, Lanes)):
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        past_caches = builder.module.add_metadata([_INDEX(1)])
        for register, pointer in _pointers(target, builder, signature, arguments, value):
            instruction = builder.store(builder.extract_value(arguments[2], register), pointer, align=REGISTER_BYTES)
            instruction.set_metadata("nontemporal", past_caches)
        return target.get_dummy_value()

    return types.void(array, types.intp, value), generate


@_intrinsic
def select(_context: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` in lanes where `left` is less than `right`, else `otherwise`; any of the four may be a scalar.

    The minimum of x and y is ``select(x, y, x, y)``, a single instruction.
    """
    given = left, right, then, otherwise
    if (lanes := _common(given)) is None:
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = [_parts(target, builder, *pair, lanes) for pair in zip(arguments, signature.args, strict=True)]
        value = ir.Constant(target.get_value_type(lanes), ir.Undefined)
        for register, (below, above, first, second) in enumerate(zip(*parts, strict=True)):
            less = builder.fcmp_ordered("<", below, above)
            value = builder.insert_value(value, builder.select(less, first, second), register)
        return value

    return lanes(*given), generate


@_intrinsic
def select_rising(_context: Any, before: Any, after: Any, level: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` in lanes where `before` is less than `level` and `after` is not, else `otherwise`."""
    given = before, after, level, then, otherwise
    if (lanes := _common(given)) is None:
        return None

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = [_parts(target, builder, *pair, lanes) for pair in zip(arguments, signature.args, strict=True)]
        value = ir.Constant(target.get_value_type(lanes), ir.Undefined)
        for register, (first, second, between, chosen, other) in enumerate(zip(*parts, strict=True)):
            below, beyond = builder.fcmp_ordered("<", first, between), builder.fcmp_ordered(">=", second, between)
            rises = builder.and_(below, beyond)
            value = builder.insert_value(value, builder.select(rises, chosen, other), register)
        return value

    return lanes(*given), generate


def _common(given: tuple[Any, ...]) -> Any:
    """Return the one type of lanes among arguments of which the others are scalars; None if there is none."""
    found = {one for one in given if isinstance(one, Lanes)}
    scalars = all(isinstance(one, Lanes | types.Number) for one in given)
    return found.pop() if len(found) == 1 and scalars else None


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


def _pointers(target: Any, builder: Any, signature: Any, arguments: Any, lanes: Lanes) -> Iterator[tuple[int, Any]]:
    """Yield each register's number and the place in the array that it is loaded from or stored to."""
    array = target.make_array(signature.args[0])(target, builder, arguments[0])
    place = builder.gep(array.data, [arguments[1]])
    place = builder.bitcast(place, target.get_value_type(lanes).as_pointer())
    for register in range(lanes.registers):
        yield register, builder.gep(place, [_INDEX(0), _INDEX(register)])


def _parts(target: Any, builder: Any, value: Any, given: Any, lanes: Lanes) -> list[Any]:
    """Return an operand register by register; a scalar fills them all."""
    if isinstance(given, Lanes):
        return [builder.extract_value(value, register) for register in range(lanes.registers)]
    vector = target.get_value_type(lanes).element
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, target.cast(builder, value, given, lanes.element), _INDEX(0))
    everywhere = ir.Constant(ir.VectorType(_INDEX, vector.count), [0] * vector.count)
    return [builder.shuffle_vector(first, undefined, everywhere)] * lanes.registers


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
        left, right = (
            _parts(target, builder, value, given, lanes) for value, given in zip(arguments, signature.args, strict=True)
        )
        value = ir.Constant(target.get_value_type(lanes), ir.Undefined)
        for register in range(lanes.registers):
            part = getattr(builder, instruction)(left[register], right[register], flags=("contract",))
            value = builder.insert_value(value, part, register)
        return value

    type_callable(symbol)(result)
    for left, right in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(symbol, left, right)(generate)  # type: ignore[no-untyped-call]


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
