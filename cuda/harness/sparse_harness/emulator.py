"""Runs convolutions through the emulation, on arrays of numpy."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.vcsr import Vcsr
from sparse_harness.planner import Planner, address
from sparse_harness.structures import FLOAT16, HWC8, Convolution, TacticStruct

FORWARD, REVERSE, RANDOM = 0, 1, 2
SHARED_ROLES = ("words", "raw", "columns", "scratch", "tile", "state")
GLOBAL_ROLES = (
    "segments", "offsets", "values", "slots", "bias", "input", "residual", "output",
)  # fmt: skip

Array = NDArray[np.generic]


class EmulationError(RuntimeError):
    """The emulation refused, or found a fault in the kernel; the message says which and where."""


class _Arrays(ctypes.Structure):
    _fields_ = [
        ("seg", ctypes.c_void_p),
        ("segments", ctypes.c_size_t),
        ("off", ctypes.c_void_p),
        ("columns", ctypes.c_size_t),
        ("val", ctypes.c_void_p),
        ("perm", ctypes.c_void_p),
        ("groups", ctypes.c_size_t),
        ("bias", ctypes.c_void_p),
        ("x", ctypes.c_void_p),
        ("x_bytes", ctypes.c_size_t),
        ("residual", ctypes.c_void_p),
        ("y", ctypes.c_void_p),
        ("y_bytes", ctypes.c_size_t),
    ]


class _Counters(ctypes.Structure):
    _fields_ = [
        ("shared", ctypes.c_uint64 * 4 * len(SHARED_ROLES)),
        ("global_", ctypes.c_uint64 * 2 * len(GLOBAL_ROLES)),
        ("multiply_adds", ctypes.c_uint64),
        ("multiply_adds_issued", ctypes.c_uint64),
    ]


@dataclass(frozen=True)
class Counts:
    """What a launch did; all zero but in a build that counts.

    Attributes:
        loads: of shared memory, instructions of a warp, by role.
        stores: the same.
        conflicts: extra cycles that its banks took, by role.
        clocks: cycles of its banks, the extra ones among them, by role; 128 bytes each at most.
        requests: of global memory, instructions of a warp, by role.
        sectors: of 32 bytes that these touched, each once a request.
        multiply_adds: of lanes.
        multiply_adds_issued: with those of lanes that had to wait.
    """

    loads: Mapping[str, int]
    stores: Mapping[str, int]
    conflicts: Mapping[str, int]
    clocks: Mapping[str, int]
    requests: Mapping[str, int]
    sectors: Mapping[str, int]
    multiply_adds: int
    multiply_adds_issued: int


@dataclass(frozen=True)
class Operands:
    """Arrays of one convolution, dense and in [N][C][H][W]; the type is the convolution's."""

    x: Array
    packed: Vcsr
    bias: NDArray[np.float32] | None = None
    residual: Array | None = None


def to_hwc8(tensor: Array, fill: float) -> Array:
    """[N][C][H][W] as [N][H][W][C padded to 8], the padding filled with something."""
    batch, channels, height, width = tensor.shape
    padded = np.full((batch, height, width, -(-channels // 8) * 8), fill, dtype=tensor.dtype)
    padded[..., :channels] = tensor.transpose(0, 2, 3, 1)
    return padded


def from_hwc8(tensor: Array, channels: int) -> Array:
    """The other way."""
    return np.ascontiguousarray(tensor[..., :channels].transpose(0, 3, 1, 2))


class Emulator(Planner):
    """A library that holds the kernels, too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.counts: Counts | None = None

    def run(
        self,
        conv: Convolution,
        tactic: TacticStruct,
        operands: Operands,
        *,
        schedule: int = FORWARD,
        seed: int = 1,
    ) -> Array:
        """The output, (N, K, OH, OW); what the launch did is in `counts`.

        Raises:
            EmulationError: there is no plan, or a check failed.
        """
        dtype = np.float16 if conv.type == FLOAT16 else np.float32
        hwc8 = conv.layout == HWC8
        x = to_hwc8(operands.x, np.nan) if hwc8 else np.ascontiguousarray(operands.x)
        y: Array = np.full((conv.batch, conv.outputs, *conv.output_size), np.nan, dtype=dtype)
        y = to_hwc8(y, np.nan) if hwc8 else y
        residual = operands.residual
        if residual is not None:
            residual = to_hwc8(residual, np.nan) if hwc8 else np.ascontiguousarray(residual)
        packed = operands.packed
        arrays = _Arrays(
            address(packed.seg), packed.seg.size, address(packed.off), packed.off.size,
            address(packed.val), address(packed.perm), packed.perm.size, address(operands.bias),
            address(x), x.nbytes, address(residual), address(y), y.nbytes,
        )  # fmt: skip
        self._run(conv, tactic, arrays, schedule, seed)
        return from_hwc8(y, conv.outputs) if hwc8 else y

    def _run(
        self,
        conv: Convolution,
        tactic: TacticStruct,
        arrays: _Arrays,
        schedule: int,
        seed: int,
    ) -> None:
        counters = _Counters()
        failure = ctypes.create_string_buffer(512)
        failed = self.library.edgeprune_run(
            *self._key(conv, tactic), ctypes.byref(arrays), schedule, ctypes.c_uint64(seed),
            ctypes.byref(counters), failure, ctypes.c_size_t(len(failure)),
        )  # fmt: skip
        self.counts = _counts(counters)
        if failed:
            raise EmulationError(failure.value.decode())


def _counts(counters: _Counters) -> Counts:
    shared = [tuple(row) for row in counters.shared]
    global_ = [tuple(row) for row in counters.global_]
    loads, stores, conflicts, clocks = (
        {role: row[i] for role, row in zip(SHARED_ROLES, shared, strict=True)} for i in range(4)
    )
    requests, sectors = (
        {role: row[i] for role, row in zip(GLOBAL_ROLES, global_, strict=True)} for i in range(2)
    )
    return Counts(
        loads, stores, conflicts, clocks, requests, sectors,
        counters.multiply_adds, counters.multiply_adds_issued,
    )  # fmt: skip
