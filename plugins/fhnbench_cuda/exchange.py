"""Arrays on the device that other libraries read without a copy, by DLPack or the CUDA array interface."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from fhnbench import nvidia

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

_CUDA = 2
"""DLPack's number of CUDA devices."""

_FLOAT = 2
"""DLPack's number of floating-point types."""

_NAME = b"dltensor"


@final
class DeviceArray:
    """A C-contiguous array on the first GPU.

    Its memory lives as long as this object, or as any tensor that another library made of it.

    Parameters
    ----------
    shape
        Shape.
    dtype
        A floating-point type.

    Raises
    ------
    Refused
        If the device's memory does not suffice.
    """

    def __init__(self, shape: Sequence[int], dtype: DTypeLike) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.nbytes = int(np.prod(self.shape)) * self.dtype.itemsize
        self._memory = nvidia.DeviceMemory(self.nbytes)

    @property
    def address(self) -> int:
        """Address of the first element on the device."""
        return self._memory.address

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "version": 3,
            "strides": None,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CUDA, 0

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Return a capsule for ``from_dlpack`` of another library."""
        if copy or dl_device not in {None, self.__dlpack_device__()}:
            raise BufferError("only a view on the GPU is exported")
        managed = _ManagedTensor()
        shape = (ctypes.c_int64 * len(self.shape))(*self.shape)
        tensor = managed.tensor
        tensor.data, tensor.device_type, tensor.device_id = self.address, *self.__dlpack_device__()
        tensor.ndim, tensor.shape = len(self.shape), shape
        tensor.code, tensor.bits, tensor.lanes = _FLOAT, 8 * self.dtype.itemsize, 1
        managed.deleter = _DELETER
        address = ctypes.addressof(managed)
        _exported[address] = managed, shape, self._memory
        return _python.PyCapsule_New(address, _NAME, _DESTRUCTOR)


class _Tensor(ctypes.Structure):
    _fields_: ClassVar = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _ManagedTensor(ctypes.Structure):
    """``DLManagedTensor`` of dlpack.h."""

    _fields_: ClassVar = [
        ("tensor", _Tensor),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ]


_exported: dict[int, Any] = {}
"""What a consumer still uses, by the address of its managed tensor."""


def _forget(managed: int) -> None:
    """Release a tensor whose consumer has done with it."""
    _exported.pop(managed, None)


def _forget_unused(capsule: int) -> None:
    """Release the tensor of a capsule that nobody consumed; a consumer renames it."""
    if _python.PyCapsule_IsValid(capsule, _NAME):
        _forget(_python.PyCapsule_GetPointer(capsule, _NAME))


_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_DELETER, _DESTRUCTOR = _Callback(_forget), _Callback(_forget_unused)

_python = ctypes.pythonapi
_python.PyCapsule_IsValid.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
_python.PyCapsule_GetPointer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
_python.PyCapsule_GetPointer.restype = ctypes.c_void_p
_python.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, _Callback)
_python.PyCapsule_New.restype = ctypes.py_object
