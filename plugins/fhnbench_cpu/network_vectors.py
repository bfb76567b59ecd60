"""Vectors of samples as Python values: what is computed with them becomes LLVM instructions, and is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llvmlite import ir

if TYPE_CHECKING:
    from collections.abc import Iterator

Element = Literal["float32", "float64"]

_SIZE = ir.IntType(64)


@dataclass(frozen=True)
class Format:
    """The layout of a floating-point type."""

    type: Any
    bits: int
    mantissa_bits: int


FORMATS: dict[Element, Format] = {
    "float32": Format(ir.FloatType(), 32, 23),
    "float64": Format(ir.DoubleType(), 64, 52),
}


def size(value: int) -> Any:
    """Return a constant for indices and counts."""
    return ir.Constant(_SIZE, value)


class Emitter:
    """Writes instructions on vectors at the place where an LLVM builder stands, and counts the arithmetic.

    Parameters
    ----------
    builder
        The builder.
    element
        Type of a number.
    lanes
        Numbers in a vector.
    """

    def __init__(self, builder: Any, element: Element, lanes: int) -> None:
        self.builder = builder
        self.element = element
        self.lanes = lanes
        self.format = FORMATS[element]
        self.type = ir.VectorType(self.format.type, lanes)
        self.integers = ir.VectorType(ir.IntType(self.format.bits), lanes)
        self.operations = 0
        """Vector instructions written so far, those of a loop as often as it runs, without loads, stores and copies."""
        self._repeats = 1

    def constant(self, value: float) -> Vector:
        """Return a vector of equal numbers."""
        return Vector(self, ir.Constant(self.type, [value] * self.lanes))

    def broadcast(self, value: Any) -> Vector:
        """Return a vector all of whose lanes hold a scalar that the machine code computed or loaded."""
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return Vector(self, self.builder.shuffle_vector(first, undefined, zeros))

    def arithmetic(self, value: Any) -> Vector:
        """Wrap the result of one vector instruction, and count it."""
        self.operations += self._repeats
        return Vector(self, value)

    def call(self, name: str, *operands: Vector) -> Vector:
        """Call an intrinsic function of LLVM on vectors."""
        suffix = f"v{self.lanes}f{self.format.bits}"
        function_type = ir.FunctionType(self.type, [self.type] * len(operands))
        function = self.builder.module.globals.get(f"{name}.{suffix}") or ir.Function(
            self.builder.module, function_type, f"{name}.{suffix}"
        )
        return self.arithmetic(self.builder.call(function, [operand.value for operand in operands]))

    def repeat(self, count: int | Any) -> Iterator[Any]:
        """Write a loop: what the ``for`` statement over this iterator writes is repeated `count` times.

        `count` is a Python integer, or one that the machine code computes, which is then at least one. Yields the
        index, from 0. What is counted inside counts `count` times if that is a Python integer, else once.
        """
        if isinstance(count, int) and count < 2:
            yield from [size(0)] * count
            return
        builder = self.builder
        repeats, end = (count, size(count)) if isinstance(count, int) else (1, count)
        before, body, after = builder.block, builder.append_basic_block("body"), builder.append_basic_block("after")
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(_SIZE)
        index.add_incoming(size(0), before)
        self._repeats *= repeats
        yield index
        self._repeats //= repeats
        following = builder.add(index, size(1))
        index.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, end), body, after)
        builder.position_at_end(after)

    def fence(self) -> None:
        """Keep LLVM from moving loads and stores across this place: it would mix more work than registers can hold."""
        self.builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)

    def variable(self, value: Vector) -> Variable:
        """Return a variable that holds `value` and can be assigned to inside a loop."""
        with self.builder.goto_entry_block():
            slot = self.builder.alloca(self.type)
        variable = Variable(self, slot)
        variable.set(value)
        return variable


@dataclass(frozen=True)
class Variable:
    """A vector that changes; LLVM keeps it in a register."""

    emitter: Emitter
    slot: Any

    def get(self) -> Vector:
        """Return the present value."""
        return Vector(self.emitter, self.emitter.builder.load(self.slot))

    def set(self, value: Vector) -> None:
        """Assign a value."""
        self.emitter.builder.store(value.value, self.slot)


@dataclass(frozen=True)
class Pointer:
    """The address of a number in memory."""

    emitter: Emitter
    value: Any
    alignment: int
    """Vectors that are loaded from here, or from whole vectors further on, start at a multiple of so many bytes."""

    def at(self, index: int | Any, stride: int | Any = 1) -> Pointer:
        """Return the address ``index * stride`` numbers further on; both may be computed by the machine code."""
        builder = self.emitter.builder
        index, stride = (size(number) if isinstance(number, int) else number for number in (index, stride))
        return Pointer(self.emitter, builder.gep(self.value, [builder.mul(index, stride)]), self.alignment)

    def load(self) -> Vector:
        """Return the vector that starts here."""
        return Vector(self.emitter, self.emitter.builder.load(self._vector(), align=self.alignment))

    def store(self, vector: Vector) -> None:
        """Write a vector that starts here."""
        self.emitter.builder.store(vector.value, self._vector(), align=self.alignment)

    def stream(self, vector: Vector) -> None:
        """Write a vector past the caches; the address is a multiple of its size."""
        builder, emitter = self.emitter.builder, self.emitter
        instruction = builder.store(vector.value, self._vector(), align=emitter.lanes * emitter.format.bits // 8)
        one = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        instruction.set_metadata("nontemporal", one)

    def broadcast(self) -> Vector:
        """Return a vector all of whose lanes hold the number that is here."""
        return self.emitter.broadcast(self.emitter.builder.load(self.value))

    def _vector(self) -> Any:
        return self.emitter.builder.bitcast(self.value, self.emitter.type.as_pointer())


@dataclass(frozen=True)
class Vector:
    """Numbers side by side; arithmetic is lane by lane, also with Python numbers, and rounds as IEEE 754 says."""

    emitter: Emitter
    value: Any

    @property
    def element(self) -> Element:
        """Type of a number."""
        return self.emitter.element

    @property
    def unit_shift(self) -> float:
        """A number so large that adding it rounds to whole numbers, which then are its lowest bits."""
        return 1.5 * 2.0**self.emitter.format.mantissa_bits

    def constant(self, value: float) -> Vector:
        """Return a vector of equal numbers."""
        return self.emitter.constant(value)

    def __add__(self, other: Vector | float) -> Vector:
        return self._binary("fadd", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._binary("fsub", other)

    def __rsub__(self, other: float) -> Vector:
        return self.constant(other) - self

    def __mul__(self, other: Vector | float) -> Vector:
        return self._binary("fmul", other)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._binary("fdiv", other)

    def fma(self, factor: Vector | float, addend: Vector | float) -> Vector:
        """Return ``self * factor + addend``, rounded once where the machine can."""
        return self.emitter.call("llvm.fmuladd", self, self._vector(factor), self._vector(addend))

    def from_product(self, factor: Vector, minuend: Vector) -> Vector:
        """Return ``minuend - self * factor``, rounded once where the machine can."""
        negative = Vector(self.emitter, self.emitter.builder.fneg(self.value))  # a part of the instruction
        return negative.fma(factor, minuend)

    def minimum(self, other: Vector | float) -> Vector:
        """Return the lesser of each two numbers; not-a-number in `self` stays so."""
        return self._choose("<", other)

    def maximum(self, other: Vector | float) -> Vector:
        """Return the greater of each two numbers; not-a-number in `self` stays so."""
        return self._choose(">", other)

    def times_two_to_the(self, shifted: Vector) -> Vector:
        """Return ``self * 2^n``, with n the whole number that adding `unit_shift` put into the lowest bits."""
        builder, mantissa_bits = self.emitter.builder, self.emitter.format.mantissa_bits
        exponent = self.emitter.arithmetic(builder.shl(shifted._bits(), self._integers(mantissa_bits)))
        return self.emitter.arithmetic(self._numbers(builder.add(self._bits(), exponent.value)))

    def negated_where_odd(self, shifted: Vector) -> Vector:
        """Return self, or its negative where that whole number is odd."""
        builder, bits = self.emitter.builder, self.emitter.format.bits
        sign = self.emitter.arithmetic(builder.shl(shifted._bits(), self._integers(bits - 1)))
        return self.emitter.arithmetic(self._numbers(builder.xor(self._bits(), sign.value)))

    def _binary(self, instruction: str, other: Vector | float) -> Vector:
        return self.emitter.arithmetic(
            getattr(self.emitter.builder, instruction)(self.value, self._vector(other).value)
        )

    def _choose(self, relation: str, other: Vector | float) -> Vector:
        # LLVM makes one instruction of this; its own minimum and maximum spend more on not-a-number.
        builder, operand = self.emitter.builder, self._vector(other).value
        preferred = builder.fcmp_ordered(relation, operand, self.value)
        return self.emitter.arithmetic(builder.select(preferred, operand, self.value))

    def _vector(self, given: Vector | float) -> Vector:
        return given if isinstance(given, Vector) else self.constant(given)

    def _integers(self, value: int) -> Any:
        return ir.Constant(self.emitter.integers, [value] * self.emitter.lanes)

    def _bits(self) -> Any:
        return self.emitter.builder.bitcast(self.value, self.emitter.integers)

    def _numbers(self, bits: Any) -> Any:
        return self.emitter.builder.bitcast(bits, self.emitter.type)
