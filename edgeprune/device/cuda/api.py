"""The dozen things edgeprune asks of CUDA, whoever answers.

Addresses and handles are plain integers, as TensorRT takes them; 0 is none. Like CUDA's runtime it
works in the context that is current in the calling thread, such as one of PyCUDA, and else in the
primary context of the device, the one of PyTorch; TensorRT does the same. So addresses and streams
of all of them are valid for each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

# cudaDeviceAttr
INTEGRATED = 18
CAPABILITY_MAJOR = 75
CAPABILITY_MINOR = 76


class MemoryInfo(NamedTuple):
    """Memory of a GPU; on a Jetson it is the system's."""

    free_bytes: int
    total_bytes: int


class CudaApi(ABC):
    """One way to reach CUDA. Every method raises `DeviceError`, in one line, when CUDA refuses."""

    name: str

    @abstractmethod
    def device_count(self) -> int:
        """GPUs that answer; without a driver it raises `DeviceUnsupportedError`."""

    @abstractmethod
    def set_device(self, device: int) -> None:
        """Use this GPU in the calling thread, in its primary context."""

    @abstractmethod
    def device(self) -> int:
        """The GPU that the calling thread uses."""

    @abstractmethod
    def attribute(self, attribute: int, device: int) -> int:
        """A number that describes a GPU; the constants above name it."""

    @abstractmethod
    def memory_info(self) -> MemoryInfo:
        """Memory of the GPU in use."""

    @abstractmethod
    def malloc(self, size: int) -> int:
        """Address of `size` bytes on the GPU."""

    @abstractmethod
    def free(self, address: int) -> None:
        """Give back what `malloc` gave."""

    @abstractmethod
    def malloc_host(self, size: int) -> int:
        """Address of `size` bytes of page-locked memory of the host."""

    @abstractmethod
    def free_host(self, address: int) -> None:
        """Give back what `malloc_host` gave."""

    @abstractmethod
    def copy_to_device(self, target: int, source: int, size: int, stream: int) -> None:
        """Queue a copy from page-locked memory to the GPU."""

    @abstractmethod
    def copy_to_host(self, target: int, source: int, size: int, stream: int) -> None:
        """Queue a copy from the GPU to page-locked memory."""

    @abstractmethod
    def create_stream(self) -> int:
        """A stream that does not wait for the default one."""

    @abstractmethod
    def synchronize_stream(self, stream: int) -> None:
        """Wait for all that was queued."""

    @abstractmethod
    def destroy_stream(self, stream: int) -> None:
        """Give a stream back."""

    @abstractmethod
    def create_event(self) -> int:
        """An event that keeps its time."""

    @abstractmethod
    def record_event(self, event: int, stream: int) -> None:
        """Queue the event."""

    @abstractmethod
    def synchronize_event(self, event: int) -> None:
        """Wait until the event has happened."""

    @abstractmethod
    def elapsed_ms(self, start: int, end: int) -> float:
        """Milliseconds between two events that have happened."""

    @abstractmethod
    def destroy_event(self, event: int) -> None:
        """Give an event back."""

    @abstractmethod
    def begin_capture(self, stream: int) -> None:
        """Record what this thread queues on the stream instead of running it."""

    @abstractmethod
    def end_capture(self, stream: int) -> int:
        """The graph of what was recorded; 0 where the recording was spoilt."""

    @abstractmethod
    def instantiate_graph(self, graph: int) -> int:
        """A graph that can be launched."""

    @abstractmethod
    def launch_graph(self, executable: int, stream: int) -> None:
        """Queue an instantiated graph."""

    @abstractmethod
    def destroy_graph(self, graph: int) -> None:
        """Give a recorded graph back."""

    @abstractmethod
    def destroy_executable(self, executable: int) -> None:
        """Give an instantiated graph back."""
