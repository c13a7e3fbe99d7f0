"""A TensorRT engine on the GPU."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Mapping, Sequence

import numpy as np

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.cuda.choose import open_cuda
from edgeprune.device.cuda.stream import Event, Stream
from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.base import Runner
from edgeprune.device.runners.tensorrt_lane import Lane
from edgeprune.device.runners.tensorrt_slots import Slot, check_feed
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.engine import LoadedEngine
from edgeprune.device.tensorrt.execution import TensorInfo, describe, make_execution
from edgeprune.device.tensorrt.plugins import load_plugins

_MOST_LANES = 4  # batch sizes that stay ready; each holds memory for activations


class TensorRtRunner(Runner):
    """An engine that `edgeprune build` wrote, in TensorRT or TensorRT for RTX.

    Inputs go through page-locked memory to buffers that stay on the GPU; the engine runs on a
    stream of its own, as a CUDA graph for each batch size where it can be recorded.

    Args:
        path: the engine.
        backend: `tensorrt` or `tensorrt-rtx`.
        cuda_graph: whether to record graphs.
        plugins: libraries to load first.
        cuda: the way to CUDA, see `open_cuda`, or one that is open already.
        device: number of the GPU.

    Raises:
        DeviceUnsupportedError: on activation, when TensorRT, CUDA or a GPU is missing, or the
            engine is of another TensorRT or GPU.
        EngineFileError: on activation, when the file is missing or no engine.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        backend: str = "tensorrt",
        *,
        cuda_graph: bool = True,
        plugins: Sequence[str] = (),
        cuda: str | CudaApi = "cudart",
        device: int = 0,
    ) -> None:
        super().__init__(os.fspath(path))
        self.path = Path(path)
        self.backend = backend
        self.cuda_graph = cuda_graph
        self._plugins = tuple(plugins)
        self._way = cuda
        self._device = device
        self._loaded: LoadedEngine | None = None
        self._stream: Stream | None = None
        self._slots: dict[str, Slot] = {}
        self._lanes: dict[int, Lane] = {}
        self._notes: dict[int, str] = {}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the engine's inputs, in order; only while active."""
        return tuple(info.name for info in self._inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the engine's outputs, in order; only while active."""
        return tuple(s.info.name for s in self._slots.values() if not s.info.is_input)

    @property
    def notes(self) -> tuple[str, ...]:
        """What did not go as asked, such as a CUDA graph that could not be recorded."""
        return tuple(self._notes.values())

    def device_ms(self, feed: Mapping[str, np.ndarray]) -> float | None:
        """Between two events around the engine's work, inputs copied before, outputs not at all."""
        self.infer(feed)  # the first of a batch size prepares and records
        assert self._stream is not None
        lane = self._lanes[check_feed(feed, self._inputs, self.name)]
        cuda = self._stream.cuda
        with contextlib.closing(Event(cuda)) as start, contextlib.closing(Event(cuda)) as end:
            start.record(self._stream)
            lane.run()
            end.record(self._stream)
            end.synchronize()
            return start.elapsed_ms(end)

    @property
    def _inputs(self) -> list[TensorInfo]:
        return [slot.info for slot in self._slots.values() if slot.info.is_input]

    def _load(self) -> None:
        bindings = load_bindings(self.backend)
        cuda = open_cuda(self._way) if isinstance(self._way, str) else self._way
        # Choosing the GPU in use again would put its primary context in place of the one that a
        # program with PyCUDA has made current, whose memory would be out of reach then.
        if cuda.device() != self._device:
            cuda.set_device(self._device)
        load_plugins(self._plugins, bindings)
        try:
            self._loaded = LoadedEngine(self.path, bindings)
            infos = describe(self._loaded.engine, bindings.module)
            self._slots = {info.name: Slot(info, cuda) for info in infos}
            self._stream = Stream(cuda)
        except BaseException:
            self._unload()
            raise

    def _unload(self) -> None:
        """Give all back, what depends on something before that something."""
        self._close_lanes()
        for slot in self._slots.values():
            slot.close()
        self._slots = {}
        if self._stream is not None:
            self._stream.close()
        self._stream = self._loaded = None

    def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        assert self._stream is not None
        batch = check_feed(feed, self._inputs, self.name)
        try:
            return self._run(feed, batch, self._stream)
        except BaseException:
            # What was queued before the failure still uses the buffers: wait before they change.
            with contextlib.suppress(DeviceError):
                self._stream.synchronize()
            self._close_lanes()
            raise

    def _run(
        self, feed: Mapping[str, np.ndarray], batch: int, stream: Stream
    ) -> dict[str, np.ndarray]:
        lane = self._lanes.get(batch) or self._new_lane(batch)
        for name, values in feed.items():
            self._slots[name].upload(values, stream)
        lane.run()
        outputs = self.output_names
        for name in outputs:
            self._slots[name].download(lane.shapes[name], stream)
        stream.synchronize()
        if lane.note:
            self._notes[batch] = lane.note
        return {name: self._slots[name].values(lane.shapes[name]) for name in outputs}

    def _new_lane(self, batch: int) -> Lane:
        assert self._loaded is not None
        assert self._stream is not None
        if len(self._lanes) == _MOST_LANES:
            self._lanes.pop(next(iter(self._lanes))).close()
        execution = make_execution(self._loaded.engine, self._loaded.log)
        lane = Lane(execution, self._slots, batch, self._stream, self.cuda_graph)
        if lane.moved:
            self._close_lanes()
        self._lanes[batch] = lane
        return lane

    def _close_lanes(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self._lanes = {}
