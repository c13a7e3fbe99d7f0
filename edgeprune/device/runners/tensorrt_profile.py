"""Where TensorRT spends its time, layer by layer of the engine, and what each was fused from."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.errors import DeviceError
from edgeprune.device.onnx.file import OnnxNode, read_onnx
from edgeprune.device.onnx.modules import module_of
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.runners.tensorrt_lane import Lane
from edgeprune.device.tensorrt.origins import origins


@dataclass(frozen=True)
class EngineLayerTime:
    """Median time of one layer of an engine.

    Attributes:
        name: as TensorRT calls it.
        p50_ms: median over the timed runs.
        nodes: names of the ONNX nodes that it was fused from; empty for what TensorRT added.
        modules: PyTorch modules of those nodes, each once; empty where nothing tells them.
    """

    name: str
    p50_ms: float
    nodes: tuple[str, ...]
    modules: tuple[str, ...]


class ProfilingTensorRtRunner(TensorRtRunner):
    """A runner that times every layer; its own latency is not comparable with others'.

    Attributes:
        times_ms: of every run, by layer, in the order of execution.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        backend: str = "tensorrt",
        *,
        plugins: Sequence[str] = (),
        cuda: str | CudaApi = "cudart",
        device: int = 0,
    ) -> None:
        super().__init__(path, backend, cuda_graph=False, plugins=plugins, cuda=cuda, device=device)
        self.times_ms: dict[str, list[float]] = {}
        self._profiler: Any = None

    def layer_notes(self) -> dict[str, str]:
        """What the engine keeps on the origin of its layers, by name; only while active."""
        assert self._loaded is not None
        inspector = self._loaded.engine.create_engine_inspector()
        form = self._loaded.bindings.module.LayerInformationFormat.JSON
        found: dict[str, str] = {}
        for number in range(self._loaded.engine.num_layers):
            with contextlib.suppress(ValueError):
                # An engine that was built without details keeps the name alone.
                told = json.loads(inspector.get_layer_information(number, form))
                if isinstance(told, dict) and "Name" in told:
                    found[str(told["Name"])] = str(told.get("Metadata", ""))
        return found

    def _new_lane(self, batch: int) -> Lane:
        assert self._loaded is not None
        lane = super()._new_lane(batch)
        if self._profiler is None:
            self._profiler = _make_profiler(self._loaded.bindings.module, self.times_ms)
        lane.execution.context.profiler = self._profiler
        return lane


def profile_layers(
    runner: ProfilingTensorRtRunner,
    feed: Mapping[str, np.ndarray],
    *,
    onnx_file: Path | None = None,
    warmup: int = 5,
    repeats: int = 30,
) -> tuple[EngineLayerTime, ...]:
    """Time every layer of an engine, in the order of execution.

    Args:
        runner: of the engine; activated for the measurement.
        feed: the inputs, batch on axis 0.
        onnx_file: the model that the engine was built from; it tells the modules, and the nodes
            where the engine keeps only names.
        warmup: untimed runs.
        repeats: timed runs, at least one.

    Raises:
        DeviceError: the engine cannot be loaded or refuses the inputs, or no layer was timed.
    """
    if repeats < 1 or warmup < 0:
        raise DeviceError(f"repeats = {repeats}, warmup = {warmup}: use repeats >= 1, warmup >= 0")
    nodes = {node.name: node for node in read_onnx(onnx_file).nodes} if onnx_file else {}
    with runner:
        for _ in range(warmup):
            runner.infer(feed)
        runner.times_ms.clear()
        for _ in range(repeats):
            runner.infer(feed)
        notes = runner.layer_notes()
    if not runner.times_ms:
        raise DeviceError(f"{runner.name}: TensorRT timed no layer of this engine")
    return tuple(
        _layer(name, times_ms, notes.get(name, ""), nodes)
        for name, times_ms in runner.times_ms.items()
    )


def _layer(
    name: str, times_ms: Sequence[float], note: str, nodes: Mapping[str, OnnxNode]
) -> EngineLayerTime:
    found = origins(name, note, nodes)
    modules = (module_of(nodes[node]) for node in found if node in nodes)
    return EngineLayerTime(
        name=name,
        p50_ms=float(np.median(times_ms)),
        nodes=found,
        modules=tuple(dict.fromkeys(module for module in modules if module)),
    )


def _make_profiler(module: Any, times_ms: dict[str, list[float]]) -> Any:
    class Profiler(module.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            module.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            times_ms.setdefault(layer_name, []).append(ms)

    return Profiler()
