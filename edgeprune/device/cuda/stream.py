"""Streams, which order work on the GPU, and events, which time it."""

from __future__ import annotations

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.cuda.closing import Closing
from edgeprune.device.cuda.memory import DeviceBuffer, PinnedBuffer


class Stream(Closing):
    """A queue of work that does not wait for the default stream.

    Attributes:
        handle: CUDA's, as TensorRT takes it.
    """

    def __init__(self, cuda: CudaApi) -> None:
        self.cuda = cuda
        self.handle = cuda.create_stream()

    def upload(self, source: PinnedBuffer, target: DeviceBuffer, size: int) -> None:
        """Queue a copy of the first `size` bytes to the GPU."""
        self.cuda.copy_to_device(target.address, source.address, size, self.handle)

    def download(self, source: DeviceBuffer, target: PinnedBuffer, size: int) -> None:
        """Queue a copy of the first `size` bytes from the GPU."""
        self.cuda.copy_to_host(target.address, source.address, size, self.handle)

    def synchronize(self) -> None:
        """Wait for all that was queued."""
        self.cuda.synchronize_stream(self.handle)

    def close(self) -> None:
        """Give the stream back; does nothing the second time."""
        if self.handle:
            handle, self.handle = self.handle, 0
            self.cuda.destroy_stream(handle)


class Event(Closing):
    """A mark in a stream that keeps the time at which the GPU reached it."""

    def __init__(self, cuda: CudaApi) -> None:
        self._cuda = cuda
        self.handle = cuda.create_event()

    def record(self, stream: Stream) -> None:
        """Queue the mark."""
        self._cuda.record_event(self.handle, stream.handle)

    def synchronize(self) -> None:
        """Wait until the GPU has reached it."""
        self._cuda.synchronize_event(self.handle)

    def elapsed_ms(self, end: Event) -> float:
        """Milliseconds from this mark to a later one, both reached."""
        return self._cuda.elapsed_ms(self.handle, end.handle)

    def close(self) -> None:
        """Give the event back; does nothing the second time."""
        if self.handle:
            handle, self.handle = self.handle, 0
            self._cuda.destroy_event(handle)
