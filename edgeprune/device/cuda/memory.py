"""Memory on the GPU and page-locked memory of the host."""

from __future__ import annotations

import ctypes
from abc import abstractmethod
from typing import Any, Sequence

import numpy as np

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.cuda.closing import Closing
from edgeprune.device.cuda.errors import CudaError


class _Buffer(Closing):
    """Bytes that are taken on creation and given back by `close` or at the end of a with."""

    def __init__(self, cuda: CudaApi, size: int) -> None:
        self._cuda = cuda
        self.size = 0
        self.address = 0
        self.grow(size)

    def grow(self, size: int) -> bool:
        """Make room for `size` bytes; what was inside is lost if that takes other memory.

        Returns:
            Whether the address changed.
        """
        if size <= self.size:
            return False
        # First back, then new: a board seldom has room for both.
        self.close()
        self.address = self._take(size)
        self.size = size
        return True

    def close(self) -> None:
        """Give the memory back; does nothing the second time."""
        if self.address:
            address, self.address, self.size = self.address, 0, 0
            self._give_back(address)

    @abstractmethod
    def _take(self, size: int) -> int: ...

    @abstractmethod
    def _give_back(self, address: int) -> None: ...


class DeviceBuffer(_Buffer):
    """Memory on the GPU.

    Args:
        cuda: whom to ask.
        size: bytes; 0 takes none yet.
    """

    def _take(self, size: int) -> int:
        try:
            return self._cuda.malloc(size)
        except CudaError as failure:
            if not failure.is_out_of_memory:
                raise
            free, total = (n >> 20 for n in self._cuda.memory_info())
            line = f"{failure} ({free} of {total} MiB are free)"
            raise CudaError(line, failure.code) from failure

    def _give_back(self, address: int) -> None:
        self._cuda.free(address)


class PinnedBuffer(_Buffer):
    """Page-locked memory of the host, which the GPU copies from and to by itself.

    Args:
        cuda: whom to ask.
        size: bytes; 0 takes none yet.
    """

    def view(self, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray:
        """The first bytes as an array; not valid after `grow` or `close`."""
        count = int(np.prod(shape, dtype=np.int64))
        held = (ctypes.c_char * (count * dtype.itemsize)).from_address(self.address)
        return np.frombuffer(memoryview(held), dtype=dtype, count=count).reshape(tuple(shape))

    def _take(self, size: int) -> int:
        return self._cuda.malloc_host(size)

    def _give_back(self, address: int) -> None:
        self._cuda.free_host(address)
