"""The compiled kernel as a function of numpy arrays."""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

import numpy as np

from edgeprune.device.errors import DeviceError
from edgeprune.device.sparse.cpu.build import library
from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.reference import require_fit

_FIELDS = (
    *("outputs", "channels", "kernel_height", "kernel_width"),
    *("vector", "channel_tile", "groups", "stride_height", "stride_width"),
    *("pad_top", "pad_left", "pad_bottom", "pad_right", "dilation_height", "dilation_width"),
    *("batch", "height", "width", "out_height", "out_width"),
)
# Of the packed input of a band: about half of a core's second-level cache, which the weights, the
# sums and the output share with it.
_BAND_BYTES = 1 << 19
# Of multiplications for another thread: waking one takes as long as about half of them.
_LEAST_WORK = 1 << 20
_MOST_PLANS = 8  # input sizes that stay ready


class _Conv(ctypes.Structure):
    """`Conv` of geometry.h."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in _FIELDS),
        ("low", ctypes.c_float),
        ("high", ctypes.c_float),
    ]


class CpuSparseConv2d:
    """A sparse convolution on the CPU, in FP32; weights of FP16 are widened.

    Products are summed in FP32, in the order of the packed columns.

    Args:
        conv: the convolution.
        threads: threads at most; None for one a core.
        band_bytes: of the input that is packed at a time.
        least_work: multiplications that are worth another thread.

    Raises:
        DeviceUnsupportedError: there is no compiler.
    """

    def __init__(
        self,
        conv: SparseConv2d,
        threads: int | None = None,
        band_bytes: int = _BAND_BYTES,
        least_work: int = _LEAST_WORK,
    ) -> None:
        self.conv = conv
        self.threads = cores() if threads is None else threads
        self._sizes = band_bytes, least_work
        self._library = loaded()
        weight = conv.weight
        self._packed = [
            np.ascontiguousarray(part) for part in (weight.seg, weight.off, weight.perm)
        ]
        self._values = np.ascontiguousarray(weight.val, dtype=np.float32)
        self._bias = None if conv.bias is None else np.ascontiguousarray(conv.bias, np.float32)
        self._plans: dict[tuple[int, ...], _Plan] = {}

    def __call__(
        self,
        inputs: np.ndarray,
        residual: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """The result, float32 (N, O, OH, OW).

        Args:
            inputs: float32, (N, C, H, W).
            residual: float32, of the result's shape; added before the activation.
            out: contiguous float32 that takes the result; default: a new array.

        Raises:
            VcsrError: the shapes do not fit.
            DeviceError: there is not enough memory.
        """
        x = np.ascontiguousarray(inputs, dtype=np.float32)
        r = None if residual is None else np.ascontiguousarray(residual, dtype=np.float32)
        shape = require_fit(self.conv, x.shape, None if r is None else r.shape)
        y = np.empty(shape, dtype=np.float32) if out is None else out
        if y.shape != shape or y.dtype != np.float32 or not y.flags.c_contiguous:
            raise DeviceError(f"out: contiguous float32 of shape {shape} is needed")
        plan = self._plan(x.shape)
        if self._library.edgeprune_sparse_run(
            plan.handle, _address(x), _address(r), _address(y), self.threads
        ):
            raise DeviceError(f"not enough memory for a sparse convolution of {x.shape}")
        return y

    def _plan(self, shape: tuple[int, ...]) -> _Plan:
        found = self._plans.get(shape)
        if found is None:
            while len(self._plans) >= _MOST_PLANS:
                self._plans.pop(next(iter(self._plans)), None)
            found = self._plans[shape] = self._planned(shape)
        return found

    def _planned(self, shape: tuple[int, ...]) -> _Plan:
        given = described(self.conv, shape)
        handle = self._library.edgeprune_sparse_plan(
            ctypes.byref(given),
            *map(_address, (*self._packed, self._values)),
            _address(self._bias),
            *self._sizes,
        )
        if not handle:
            raise DeviceError(f"inputs of {shape} are too large for the sparse kernel")
        return _Plan(handle, self._library)


class _Plan:
    """Memory of the library, given back with the object."""

    def __init__(self, handle: int, library: ctypes.CDLL) -> None:
        self.handle = handle
        self._free = library.edgeprune_sparse_free

    def __del__(self) -> None:
        self._free(self.handle)


@functools.lru_cache(maxsize=None)
def loaded() -> ctypes.CDLL:
    """The compiled library, in this process.

    Raises:
        DeviceUnsupportedError: there is no compiler.
    """
    return declared(ctypes.CDLL(str(library())))


def declared(found: ctypes.CDLL) -> ctypes.CDLL:
    """The library with the types of its functions."""
    pointer = ctypes.c_void_p
    found.edgeprune_sparse_plan.restype = pointer
    found.edgeprune_sparse_plan.argtypes = [pointer] * 6 + [ctypes.c_int64] * 2
    found.edgeprune_sparse_run.restype = ctypes.c_int
    found.edgeprune_sparse_run.argtypes = [pointer] * 4 + [ctypes.c_int]
    found.edgeprune_sparse_free.restype = None
    found.edgeprune_sparse_free.argtypes = [pointer]
    return found


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def described(conv: SparseConv2d, shape: tuple[int, ...]) -> _Conv:
    """The convolution at an input's shape, as the library takes it."""
    weight = conv.weight
    sizes = (
        *weight.shape,
        *(weight.vector, weight.channel_tile, weight.conv_groups),
        *conv.strides,
        *conv.pads,
        *conv.dilations,
        *(shape[0], shape[2], shape[3]),
        *conv.out_size(shape[2], shape[3]),
    )
    return _Conv(*sizes, *conv.limits)


def _address(array: np.ndarray | None) -> Any:
    return None if array is None else array.ctypes.data
