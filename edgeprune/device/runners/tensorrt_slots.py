"""Where an engine's inputs and outputs lie, on the host and on the GPU."""

from __future__ import annotations

import math
from typing import Mapping, Sequence

import numpy as np

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.cuda.memory import DeviceBuffer, PinnedBuffer
from edgeprune.device.cuda.stream import Stream
from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt.execution import TensorInfo


class Slot:
    """Memory of one tensor: reused by every inference, larger when a batch needs it."""

    def __init__(self, info: TensorInfo, cuda: CudaApi) -> None:
        self.info = info
        self.device = DeviceBuffer(cuda, 0)
        self._host = PinnedBuffer(cuda, 0)

    def size(self, shape: Sequence[int]) -> int:
        """Bytes of the tensor with this shape."""
        return math.prod(shape) * self.info.dtype.itemsize

    def grow(self, shape: Sequence[int]) -> bool:
        """Make room; whether the tensor moved on the GPU."""
        self._host.grow(self.size(shape))
        return self.device.grow(self.size(shape))

    def upload(self, values: np.ndarray, stream: Stream) -> None:
        """Queue the copy of an input to the GPU, in the engine's type."""
        self._host.view(values.shape, self.info.dtype)[...] = values
        stream.upload(self._host, self.device, self.size(values.shape))

    def download(self, shape: Sequence[int], stream: Stream) -> None:
        """Queue the copy of an output from the GPU."""
        stream.download(self.device, self._host, self.size(shape))

    def values(self, shape: Sequence[int]) -> np.ndarray:
        """The output that was downloaded, as an array of its own."""
        return np.array(self._host.view(shape, self.info.dtype))

    def close(self) -> None:
        """Give the memory back."""
        self._host.close()
        self.device.close()


def check_feed(feed: Mapping[str, np.ndarray], inputs: Sequence[TensorInfo], path: str) -> int:
    """The batch size of a feed that the engine takes.

    Raises:
        DeviceError: an input is missing, unknown, of another type or shape, or the batch is one
            that the engine was not built for.
    """
    names = [info.name for info in inputs]
    if sorted(feed) != sorted(names):
        raise DeviceError(f"{path}: inputs are {', '.join(names)}; given: {', '.join(feed) or '-'}")
    batches = {_check(feed[info.name], info, path) for info in inputs}
    if len(batches) > 1:
        raise DeviceError(f"{path}: the inputs have different batches: {sorted(batches)}")
    return batches.pop()


def _check(values: np.ndarray, info: TensorInfo, path: str) -> int:
    where = f"{path}: input '{info.name}'"
    if not isinstance(values, np.ndarray):
        raise DeviceError(f"{where} is no numpy array but a {type(values).__name__}")
    if values.dtype != info.dtype and not _shortens(values.dtype, info.dtype):
        raise DeviceError(f"{where} holds {values.dtype}; the engine takes {info.dtype}")
    if values.ndim != len(info.shape) or values.shape[1:] != info.shape[1:]:
        wanted = ", ".join(["batch", *map(str, info.shape[1:])])
        raise DeviceError(f"{where} has shape {values.shape}; the engine takes ({wanted})")
    batch = len(values)
    if not info.least <= batch <= info.most:
        raise DeviceError(
            f"{where} has a batch of {batch}; the engine takes {info.least} to {info.most}: build "
            "it for others with edgeprune build --batch"
        )
    return batch


def _shortens(given: np.dtype, taken: np.dtype) -> bool:
    """TensorRT 8 has no 64-bit integers: its parser takes ids for 32-bit ones."""
    return bool(given == np.int64 and taken == np.int32)
