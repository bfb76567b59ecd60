"""Copies of rows that do not lie densely."""

from __future__ import annotations

from dataclasses import dataclass

from cuda.bindings import driver

from fhnbench import nvidia


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of equal length, on the device or on the host: the first one's address, and bytes from one to the next."""

    address: int
    pitch: int
    on_device: bool


def copy_rows(stream: nvidia.Stream, target: Rows, source: Rows, width: int, height: int) -> None:
    """Enqueue a copy of `height` rows of `width` bytes."""
    copy = driver.CUDA_MEMCPY2D()
    memory = driver.CUmemorytype
    for side, rows in (("src", source), ("dst", target)):
        kind = memory.CU_MEMORYTYPE_DEVICE if rows.on_device else memory.CU_MEMORYTYPE_HOST
        setattr(copy, f"{side}MemoryType", kind)
        setattr(copy, f"{side}Device" if rows.on_device else f"{side}Host", rows.address)
        setattr(copy, f"{side}Pitch", rows.pitch)
    copy.WidthInBytes, copy.Height = width, height
    nvidia.call(driver.cuMemcpy2DAsync(copy, stream.handle))
