"""Where everything lies on the device: rows of samples in chunks, and what each call of an engine reads and writes.

All arithmetic of sizes and addresses is here, free of TensorRT and CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhnbench import Network

ALIGNMENT = 256
"""Bytes by which TensorRT wants the addresses of inputs and outputs to be divisible."""

ITEMSIZE = 4
"""Inputs and states are float32 in every precision; the casts are in the model."""

MOST_ROWS = 65_536
"""Most samples of one call: engines of more rows are slower or are not built at all."""

_ROW_UNIT = ALIGNMENT // ITEMSIZE
_LIMITS = (MOST_ROWS, 16_384)

Buffer = Literal["times", "inputs", "states"]


@dataclass(frozen=True, slots=True)
class Place:
    """A row in one of the buffers: `offset` in bytes from its beginning."""

    buffer: Buffer
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of an engine: where its inputs are, by name, and its outputs, in order."""

    inputs: dict[str, Place]
    outputs: tuple[Place, ...]


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """Buffers for a number of samples in chunks of a fixed size.

    A row (one variable at one save point) holds all chunks one after the other, so that an engine writes its outputs
    where they belong: ``states[points, 2, stride]`` is the trajectories ``[T, 2, N]`` with some columns and save points
    that nobody asked for at the end.

    Parameters
    ----------
    network
        How passes make up trajectories.
    save_points
        Number of save points T.
    columns
        Samples of a chunk, a multiple of 64.
    chunks
        Number of chunks.
    call_passes
        Passes that the engine chains in a call.
    """

    network: Network
    save_points: int
    columns: int
    chunks: int
    call_passes: int

    def __str__(self) -> str:
        """Return how a run is made up, in words."""
        calls = "call" if self.calls_of_chunk == 1 else "calls"
        chunks = "chunk" if self.chunks == 1 else "chunks"
        return f"{self.calls_of_chunk} {calls} for each of {self.chunks} {chunks} of {self.columns:,} samples"

    @property
    def stride(self) -> int:
        """Elements from one row to the next."""
        return self.columns * self.chunks

    @property
    def calls_of_chunk(self) -> int:
        """Calls that take a chunk to the horizon; the last may reach beyond it."""
        return -(-self.network.passes(self.save_points) // self.call_passes)

    @property
    def points(self) -> int:
        """Save points that are written, the initial state included."""
        return 1 + self.calls_of_chunk * self.call_passes * self.network.pass_points

    def size(self, buffer: Buffer) -> int:
        """Return the size of a buffer in bytes: times of the save points, inputs ``[3, stride]``, or states."""
        if buffer == "times":
            return self.save_points * ALIGNMENT
        return (3 if buffer == "inputs" else 2 * self.points) * self.stride * ITEMSIZE

    def calls(self) -> Iterator[Call]:
        """Yield the calls of a run in order."""
        written = self.call_passes * self.network.pass_points
        for chunk in range(self.chunks):
            for number in range(self.calls_of_chunk):
                first = 1 + number * written
                begin = 0 if self.network.scheme == "direct" else first - 1
                yield Call(
                    {
                        "t": Place("times", first * ALIGNMENT if self.network.scheme == "direct" else 0),
                        "u": self._state(begin, 0, chunk),
                        "w": self._state(begin, 1, chunk),
                        "i_app": Place("inputs", self._offset(2, chunk)),
                    },
                    tuple(
                        self._state(point, variable, chunk)
                        for point in range(first, first + written)
                        for variable in (0, 1)
                    ),
                )

    def _state(self, point: int, variable: int, chunk: int) -> Place:
        return Place("states", self._offset(2 * point + variable, chunk))

    def _offset(self, row: int, chunk: int) -> int:
        return (row * self.stride + chunk * self.columns) * ITEMSIZE


def layouts(network: Network, save_points: int, size: int, chunk: int | None, rollout: str) -> list[Layout]:
    """Return the layouts to choose from by measurement, the one that is likely the best first.

    Parameters
    ----------
    network, save_points, size
        The network, and numbers of save points and samples.
    chunk
        Most samples of a chunk, or None: some sizes up to `MOST_ROWS`.
    rollout
        ``unrolled``, all passes in one call; ``loop``, a call for each pass; or ``measured``, both.
    """
    passes = network.passes(save_points)
    whole = passes if network.scheme == "iterative" else 1
    lengths = {"unrolled": [whole], "loop": [1], "measured": list(dict.fromkeys([1, whole]))}[rollout]
    shapes = dict.fromkeys(split(size, limit) for limit in ([chunk] if chunk else _LIMITS))
    return [Layout(network, save_points, *shape, length) for shape in shapes for length in lengths]


def split(size: int, limit: int) -> tuple[int, int]:
    """Return size and number of equal chunks that hold `size` samples, each at most `limit` but for the rounding up."""
    chunks = -(-size // limit)
    columns = -(-size // (chunks * _ROW_UNIT)) * _ROW_UNIT
    return columns, -(-size // columns)
