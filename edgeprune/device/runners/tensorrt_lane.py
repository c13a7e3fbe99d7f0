"""An engine made ready for one batch size."""

from __future__ import annotations

from typing import Mapping

from edgeprune.device.cuda.errors import CudaError
from edgeprune.device.cuda.graph import CapturedGraph
from edgeprune.device.cuda.stream import Stream
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.tensorrt_slots import Slot
from edgeprune.device.tensorrt.execution import EnqueueError, Execution


class Lane:
    """One execution context with its shapes and addresses, and the CUDA graph of its work.

    A graph stays right only while its context keeps the shapes that it was recorded with, so each
    batch size has a context of its own. The first run is not recorded: TensorRT prepares then.

    Args:
        execution: a new context.
        slots: memory of every tensor, by name.
        batch: its batch size.
        stream: where to run.
        cuda_graph: whether to record one.

    Attributes:
        moved: whether a tensor got other memory for it, so that earlier lanes are void.
        note: why there is no graph although one was asked for; empty otherwise.
    """

    def __init__(
        self,
        execution: Execution,
        slots: Mapping[str, Slot],
        batch: int,
        stream: Stream,
        cuda_graph: bool,
    ) -> None:
        self.execution = execution
        self.note = ""
        self._batch = batch
        self._stream = stream
        self._wants_graph = cuda_graph
        self._graph: CapturedGraph | None = None
        self.shapes = self._fix_shapes(slots)
        self.moved = False
        for name, slot in slots.items():
            self.moved |= slot.grow(self.shapes[name])
        for name, slot in slots.items():
            execution.bind(name, slot.device.address)

    def run(self) -> None:
        """Queue one inference; the first one is waited for and then recorded."""
        if self._graph is not None:
            self._graph.launch()
            return
        self.execution.enqueue(self._stream.handle)
        if self._wants_graph:
            self._wants_graph = False
            self._stream.synchronize()
            self._record()

    def close(self) -> None:
        """Give the graph back, and with the last reference TensorRT's context."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None

    def _fix_shapes(self, slots: Mapping[str, Slot]) -> dict[str, tuple[int, ...]]:
        inputs = {
            name: (self._batch, *slot.info.shape[1:])
            for name, slot in slots.items()
            if slot.info.is_input
        }
        for name, shape in inputs.items():
            self.execution.set_shape(name, shape)
        outputs = {name: self.execution.shape(name) for name in slots if name not in inputs}
        for name, shape in outputs.items():
            if any(size < 0 for size in shape):
                raise DeviceUnsupportedError(
                    f"output '{name}' has a size that depends on values {shape}: export the model "
                    "without such nodes (NonZero, NonMaxSuppression)"
                )
        return {**inputs, **outputs}

    def _record(self) -> None:
        try:
            self._graph = CapturedGraph(
                self._stream, lambda: self.execution.enqueue(self._stream.handle)
            )
        except (CudaError, EnqueueError) as failure:
            if isinstance(failure, CudaError) and not failure.is_capture:
                raise
            self.note = _no_graph(self._batch, failure)


def _no_graph(batch: int, failure: DeviceError) -> str:
    return f"batch {batch} runs without a CUDA graph: the engine cannot be recorded ({failure})"
