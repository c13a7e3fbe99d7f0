"""A graph as an engine on the GPU, where there is one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.tensorrt.builder import load_builder
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettings
from edgeprune.verify.graphs import GraphFile
from edgeprune.verify.networks import Network, runner_network


@dataclass(frozen=True)
class EngineTrial:
    """What became of an engine.

    Attributes:
        network: the engine as a function; None where it does not run here.
        built: whether there is an engine.
        detail: which, and why it does not run.
    """

    network: Network | None
    built: bool
    detail: str


def try_engine(
    graph: GraphFile, backend: str, settings: EngineSettings, stack: contextlib.ExitStack
) -> EngineTrial:
    """Build the engine of a graph, or take the one from the last time, and make it ready to run.

    Args:
        backend: `tensorrt` or `tensorrt-rtx`.
        settings: of the engine.
        stack: what closes it.

    Raises:
        DeviceError: a setting that no engine can be built with.
    """
    path = engine_path(graph.path, backend)
    try:
        builder = load_builder(backend)
        engine = ensure_engine(graph.path, path, builder, settings, BuildAids())
    except DeviceUnsupportedError as failure:
        return EngineTrial(None, False, f"not built: {failure}")
    runner = TensorRtRunner(path, backend, plugins=settings.plugins)
    try:
        stack.enter_context(runner)
    except DeviceUnsupportedError as failure:
        return EngineTrial(None, True, f"{builder.label}: built, not run ({failure})")
    most = graph.fixed_batch or settings.batch.most
    tf32 = "may" if settings.tf32 else "do not"
    state = "built now" if engine.built else "as it was"
    detail = f"{builder.label}, {path.name} {state}; FP32 layers {tf32} round to TF32"
    return EngineTrial(
        runner_network(runner, runner.input_names, most, graph.id_rows), True, detail
    )


def engine_path(onnx_file: Path, backend: str) -> Path:
    """Beside the graph; not the one that `edgeprune build` writes with a user's settings."""
    return onnx_file.with_suffix(f".{backend}.engine")
