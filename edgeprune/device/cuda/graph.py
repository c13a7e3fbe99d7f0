"""Work that was recorded once and is launched as a whole."""

from __future__ import annotations

import contextlib
from typing import Callable

from edgeprune.device.cuda.closing import Closing
from edgeprune.device.cuda.errors import CudaError
from edgeprune.device.cuda.stream import Stream
from edgeprune.device.errors import DeviceError

_INVALIDATED = 901  # cudaErrorStreamCaptureInvalidated


class CapturedGraph(Closing):
    """A CUDA graph of what a function queues on a stream; the addresses in it are fixed.

    Args:
        stream: where `work` queues.
        work: called once, while the stream records instead of running.

    Raises:
        CudaError: the work cannot be recorded; `is_capture` tells it from other failures.
    """

    def __init__(self, stream: Stream, work: Callable[[], None]) -> None:
        self._stream = stream
        self._executable = 0
        cuda = stream.cuda
        graph = _record(stream, work)
        try:
            self._executable = cuda.instantiate_graph(graph)
        finally:
            cuda.destroy_graph(graph)

    def launch(self) -> None:
        """Queue the whole of it."""
        self._stream.cuda.launch_graph(self._executable, self._stream.handle)

    def close(self) -> None:
        """Give the graph back; does nothing the second time."""
        if self._executable:
            executable, self._executable = self._executable, 0
            self._stream.cuda.destroy_executable(executable)


def _record(stream: Stream, work: Callable[[], None]) -> int:
    """The graph of what `work` queues; the stream records no more, whatever happens."""
    cuda = stream.cuda
    cuda.begin_capture(stream.handle)
    try:
        work()
    except BaseException:
        # The failure that spoilt the recording is told, not that its end found it spoilt.
        with contextlib.suppress(DeviceError):
            spoilt = cuda.end_capture(stream.handle)
            if spoilt:
                cuda.destroy_graph(spoilt)
        raise
    graph = cuda.end_capture(stream.handle)
    if not graph:
        raise CudaError("the work cannot be recorded as a CUDA graph", _INVALIDATED)
    return graph
