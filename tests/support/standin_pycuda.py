"""PyCUDA's driver over host memory; launches go to the emulated kernels, as they are asked for."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
from sparse_harness.emulator import Emulator

SHARED_ATTRIBUTE = "shared"
_PAGE = 4096


class Allocation:
    """Memory that begins on a page, as the driver's does."""

    def __init__(self, size: int) -> None:
        self.room = np.full(size + _PAGE, 255, dtype=np.uint8)
        begin = -self.room.ctypes.data % _PAGE
        self.bytes = self.room[begin : begin + size]

    def __int__(self) -> int:
        return int(self.bytes.ctypes.data)


class Function:
    """A kernel; more than 48 KB of shared memory have to be allowed before."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self._emulator, self._name, self._allowed = emulator, name, 48 * 1024

    def set_attribute(self, attribute: str, value: int) -> None:
        assert attribute == SHARED_ATTRIBUTE
        self._allowed = value

    def __call__(self, *arguments: Any, grid: Any, block: Any, shared: int) -> None:
        assert shared <= self._allowed
        assert block[1:] == (1, 1)
        failure = ctypes.create_string_buffer(512)
        failed = self._emulator.library.edgeprune_launch(
            self._name.encode(), (ctypes.c_uint * 3)(*grid), ctypes.c_uint(block[0]),
            ctypes.c_int(shared), *(part.tobytes() for part in arguments), failure,
            ctypes.c_size_t(len(failure)),
        )  # fmt: skip
        assert not failed, failure.value.decode()


class Event:
    """Its clock goes on by a millisecond at every record."""

    _now = 0.0

    def record(self) -> None:
        Event._now += 1.0
        self._at = Event._now

    def synchronize(self) -> None:
        pass

    def time_till(self, other: Event) -> float:
        return other._at - self._at


class Device:
    """An Orin."""

    def __init__(self, number: int) -> None:
        assert number == 0

    @staticmethod
    def count() -> int:
        return 1

    def name(self) -> str:
        return "stand-in"

    def compute_capability(self) -> tuple[int, int]:
        return 8, 7

    def retain_primary_context(self) -> SimpleNamespace:
        return SimpleNamespace(push=lambda: None, pop=lambda: None)


def standin_driver(emulator: Emulator) -> Any:
    """What `pycuda.driver` offers, as far as it is used."""

    def to_device(there: Allocation, array: np.ndarray) -> None:
        there.bytes[: array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)

    def to_host(array: np.ndarray, there: Allocation) -> None:
        array[...] = np.frombuffer(there.bytes.tobytes()[: array.nbytes], array.dtype).reshape(
            array.shape
        )

    return SimpleNamespace(
        Device=Device, Event=Event, mem_alloc=Allocation, memcpy_htod=to_device,
        memcpy_dtoh=to_host, function_attribute=SimpleNamespace(
            MAX_DYNAMIC_SHARED_SIZE_BYTES=SHARED_ATTRIBUTE
        ),
        module_from_buffer=lambda _: SimpleNamespace(
            get_function=lambda name: Function(emulator, name)
        ),
    )  # fmt: skip
