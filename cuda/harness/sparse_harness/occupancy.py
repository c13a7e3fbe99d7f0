"""How many threads of a launch an SM holds at once, by NVIDIA's own cuda_occupancy.h."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sparse_harness.build import CUDA, Unit, library
from sparse_harness.nvrtc import TOOLKITS
from sparse_harness.wheels import unpacked

_SOURCE = CUDA / "harness" / "occupancy" / "occupancy_api.cc"
_NEWEST = max(TOOLKITS)  # its header still knows every older capability
_KIB = 1024
# Bits of cudaOccLimitingFactor, in the order of its values.
_LIMITS = ("threads", "registers", "shared memory", "blocks", "barriers", "virtual resources")


class _SmStruct(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "major", "minor", "threads", "registers", "block_registers", "shared_bytes",
            "block_shared_bytes", "reserved_shared_bytes",
        )
    ]  # fmt: skip


# CUDA C++ Programming Guide, technical specifications per compute capability: threads and registers
# of an SM, registers of a block, shared memory of an SM, of a block, and what the driver keeps.
_SMS: Mapping[int, _SmStruct] = {
    53: _SmStruct(5, 3, 2048, 65536, 32768, 64 * _KIB, 48 * _KIB, 0),
    62: _SmStruct(6, 2, 2048, 65536, 32768, 64 * _KIB, 48 * _KIB, 0),
    72: _SmStruct(7, 2, 2048, 65536, 65536, 96 * _KIB, 96 * _KIB, 0),
    87: _SmStruct(8, 7, 1536, 65536, 65536, 164 * _KIB, 163 * _KIB, _KIB),
    110: _SmStruct(11, 0, 1536, 65536, 65536, 228 * _KIB, 227 * _KIB, _KIB),
}


@dataclass(frozen=True)
class Occupancy:
    """What is resident on an SM.

    Attributes:
        percent: of the threads that an SM holds at most.
        limits: what leaves no room for one block more.
    """

    percent: float
    limits: tuple[str, ...]


def occupancy(sm: int, registers: int, threads: int, shared_bytes: int) -> Occupancy:
    """Of a launch.

    Args:
        sm: a compute capability of `images.CAPABILITIES`.
        registers: of a thread.
        threads: of a block.
        shared_bytes: dynamic shared memory of a block.

    Raises:
        KeyError: another compute capability.
        ValueError: the calculator refuses the launch.
    """
    limits = ctypes.c_uint()
    blocks = _calculator().edgeprune_resident_blocks(
        ctypes.byref(_SMS[sm]), registers, threads, shared_bytes, ctypes.byref(limits)
    )
    if blocks < 0:
        raise ValueError(f"cuda_occupancy.h refuses a launch on sm_{sm}: error {-blocks}")
    named = tuple(name for bit, name in enumerate(_LIMITS) if limits.value >> bit & 1)
    return Occupancy(round(100 * blocks * threads / _SMS[sm].threads, 1), named)


@cache
def _calculator() -> ctypes.CDLL:
    folder = unpacked(TOOLKITS[_NEWEST])
    header = next(folder.rglob("cuda_occupancy.h"))
    options = ["-O1", "-isystem", str(header.parent)]
    return ctypes.CDLL(str(library("occupancy", [Unit(_SOURCE)], options)))
