"""Engines of a student and its rival: who gets the plugin, and whose layers are profiled how."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from standin_trtexec import arguments, write_trtexec

from edgeprune.device.agent import runner_bench
from edgeprune.device.agent.engines import ensure_bundle_engine
from edgeprune.device.agent.events import Silent
from edgeprune.device.agent.ready import Ready
from edgeprune.device.agent.runner_bench import RunnerBench
from edgeprune.device.bundle.manifest import BundleModel
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.runners.tensorrt_profile import EngineLayerTime
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.device.tensorrt.trtexec import find_trtexec

STUDENT = BundleModel("student", "m.onnx", "fp32", None, needs_plugin=True)
RIVAL = BundleModel("student-dense", "m.onnx", "fp32", None)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with a graph."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3]) for n in "xy"]
    node = helper.make_node("MatMul", ["x", "block.fc.weight"], ["y"], name="node_fc")
    graph = helper.make_graph([node], "g", *[[value] for value in values])
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    return tmp_path


def test_only_sparse_models_are_built_with_the_plugin(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(bundle / "cache"))
    library = bundle / "plugin.so"
    library.write_bytes(b"a library")
    program = write_trtexec(bundle)
    builder = find_trtexec(str(program))
    assert builder is not None
    settings = EngineSettings(plugins=(str(library),))
    for model, digest in ((STUDENT, "a"), (RIVAL, "b")):
        manifest: Any = SimpleNamespace(files={"m.onnx": SimpleNamespace(sha256=digest * 64)})
        engine = ensure_bundle_engine(bundle, manifest, model, builder, settings, Silent())
        assert engine.plugins == (settings.plugins if model.needs_plugin else ())
        loads = any(word.startswith("--staticPlugins=") for word in arguments(program))
        assert loads == model.needs_plugin


def test_an_engines_layers_come_with_their_parts(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def profile(runner: Any, feed: Any, *, onnx_file: Path) -> tuple[EngineLayerTime, ...]:
        seen.extend([runner.name, feed, onnx_file])
        return (
            EngineLayerTime("fc", 0.5, ("node_fc",), ("block.fc",)),
            EngineLayerTime("Reformatting CopyNode", 0.1, (), ()),
        )

    monkeypatch.setattr(runner_bench, "profile_layers", profile)
    engine: Any = SimpleNamespace(path=str(bundle / "m.engine"), plugins=())
    bench = RunnerBench(SimpleNamespace(bundle=bundle, runtime="tensorrt"))  # type: ignore[arg-type]
    bench._ready = {STUDENT.name: Ready(None, engine)}  # type: ignore[arg-type]
    monkeypatch.setattr(bench, "_request", lambda: {"x": "samples"})
    assert bench.profile(STUDENT, ["block.fc"]) == (
        ProfiledLayer("fc", 0.5, ("block.fc",)),
        ProfiledLayer("Reformatting CopyNode", 0.1, ()),
    )
    assert seen == [engine.path, {"x": "samples"}, bundle / "m.onnx"]
    assert bench.profiler == "TensorRT's IProfiler"
