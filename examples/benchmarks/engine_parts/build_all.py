"""One network in every precision: `python -m engine_parts.build_all NAME [SM]` prints JSON.

Prunes half of the prunable channels (or takes a run's student), writes the graph for TensorRT-RTX
in FP32, FP16 and INT8, has ONNX check each, runs it in ONNX Runtime, and builds an engine. The
graph for TensorRT 8.5 is written as well, and searched for what that version misreads.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from coverage_parts.subjects import RATIO, ROUND_TO, subject
from torch import Tensor, nn

import edgeprune
from edgeprune.device.errors import DeviceError
from edgeprune.device.targets import find_target
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettings
from edgeprune.errors import EdgepruneError
from edgeprune.export.noise import finite_db, noise_db
from edgeprune.export.onnx import export_onnx
from edgeprune.export.precision.calibration import Calibration
from edgeprune.export.precision.convert import checked, convert
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.sessions import running
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.prune.redraw import redraw_weights

PRECISIONS = ("fp32", "fp16", "int8")
_OLD = "jetson-xavier"
_SAMPLES = 4


def run(name: str, sm: str) -> dict[str, Any]:
    """All precisions of one network."""
    try:
        model, example = _network(name)
        with tempfile.TemporaryDirectory() as folder:
            return {
                "why": "",
                **_precisions(model, example, Path(folder), sm),
                "tensorrt-8": _old_graph(model, example, Path(folder)),
            }
    except EdgepruneError as failure:
        return {"why": str(failure)}


def _network(name: str) -> tuple[nn.Module, Tensor]:
    """A run's student, or a pruned network with drawn weights."""
    if Path(name).is_dir():
        loaded = load_model(Path(name) / "student.pt", ModelOptions())
        stored = loaded.preprocessing
        assert stored is not None
        return loaded.module.eval(), torch.randn(1, stored.channels, *stored.image_size)
    model, example = subject(name)
    redraw_weights(model, seed=0)  # some fresh networks say the same whatever they see
    edgeprune.prune_model(model, example, pruning_ratio=RATIO, round_to=ROUND_TO)
    return model.eval(), example


def _precisions(model: nn.Module, example: Tensor, folder: Path, sm: str) -> dict[str, Any]:
    path = folder / "graph.onnx"
    export_onnx(model, example, path, target="rtx")
    graph = onnx.load(path)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_SAMPLES, *example.shape[1:], generator=generator)
    feeds = [{graph.graph.input[0].name: images.numpy()}]
    with running(graph) as runner:
        exact = [next(iter(runner.infer(feed).values())) for feed in feeds]
    return {
        precision: _guarded(lambda p=precision: _one(graph, p, feeds, exact, path, sm))  # type: ignore[misc]
        for precision in PRECISIONS
    }


def _one(
    graph: onnx.ModelProto,
    precision: Any,
    feeds: list[dict[str, Any]],
    exact: list[np.ndarray],
    path: Path,
    sm: str,
) -> dict[str, Any]:
    how = Calibration("percentile", ranks=False)
    started = time.perf_counter()
    made = convert(graph, precision, find_target("rtx"), feeds, how)
    checked(made.model, precision)
    seconds = time.perf_counter() - started
    onnx.save(made.model, path)
    with running(made.model) as runner:
        runner.infer(feeds[0])  # the graph as it is; what FP16 does shows the emulated one
    with running(emulated(made.model)) as runner:
        found = [next(iter(runner.infer(feed).values())) for feed in feeds]
    settings = EngineSettings(sm=sm, batch=BatchProfile(1, 1, 4))
    plan = build_plan(path, load_bindings("tensorrt-rtx"), settings)
    return {
        "why": "",
        "noise_db": finite_db(noise_db(exact, found)),
        "convert_seconds": seconds,
        "build_seconds": plan.seconds,
        "plan_bytes": len(plan.data),
        "onnx_bytes": path.stat().st_size,
        "layers": plan.layers,
        "kept_fp32": len(made.kept_fp32),
        "int8_places": len(made.int8.kept.on) if made.int8 else 0,
    }


def _old_graph(model: nn.Module, example: Tensor, folder: Path) -> dict[str, Any]:
    """Opset, and the reductions that have their axes as an input, which TensorRT 8 ignores."""

    def look() -> dict[str, Any]:
        export_onnx(model, example, folder / "old.onnx", target=_OLD)
        graph = onnx.load(folder / "old.onnx")
        reductions = [n for n in graph.graph.node if n.op_type.startswith("Reduce")]
        return {
            "why": "",
            "opset": next(e.version for e in graph.opset_import if not e.domain),
            "axes_inputs": sum(len(n.input) > 1 for n in reductions if n.op_type != "ReduceSum"),
        }

    return _guarded(look)


def _guarded(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return look()
    except (EdgepruneError, DeviceError) as failure:
        return {"why": str(failure)}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2])))
