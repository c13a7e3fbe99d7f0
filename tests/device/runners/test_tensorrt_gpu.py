"""The runner on a real GPU: `pytest -m gpu` where one answers and TensorRT is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from needs_gpu import WHY_NO_GPU, needs_gpu

from edgeprune.device.cuda.choose import open_cuda
from edgeprune.device.cuda.graph import CapturedGraph
from edgeprune.device.cuda.memory import DeviceBuffer, PinnedBuffer
from edgeprune.device.cuda.stream import Event, Stream
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.runners.tensorrt_profile import ProfilingTensorRtRunner, profile_layers
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettings
from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model

BACKENDS = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}


@pytest.fixture(scope="module", params=list(BACKENDS))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """A small residual network in FP32 (no TF32), its engine, and the backend."""
    if importlib.util.find_spec(BACKENDS[request.param]) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp("engine")
    model, engine = folder / "wrn.onnx", folder / "wrn.engine"
    torch.manual_seed(0)
    network = build_model("wrn_10_1", num_classes=10)
    export_onnx(network, torch.randn(2, 3, 32, 32), model, target="rtx")
    settings = EngineSettings(batch=BatchProfile(1, 4, 8), tf32=False)
    ensure_engine(model, engine, load_bindings(request.param), settings)
    return model, engine, request.param


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no graph"])
@pytest.mark.parametrize("way", ["cudart", "cuda-python"])
def test_outputs_are_those_of_onnxruntime(
    built: tuple[Path, Path, str], graph: bool, way: str
) -> None:
    if way == "cuda-python" and importlib.util.find_spec("cuda") is None:
        pytest.skip("cuda-python is not installed")
    model, engine, backend = built
    rng = np.random.default_rng(0)
    with (
        OnnxRuntimeRunner(model) as reference,
        TensorRtRunner(engine, backend, cuda_graph=graph, cuda=way) as runner,
    ):
        for batch in (1, 8, 3, 1, 8, 8):
            feed = {"input": rng.normal(size=(batch, 3, 32, 32)).astype(np.float32)}
            expected, found = reference.infer(feed), runner.infer(feed)
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-3)


@pytest.mark.gpu
@needs_gpu
def test_layers_are_timed_and_traced_to_their_modules(built: tuple[Path, Path, str]) -> None:
    model, engine, backend = built
    feed = {"input": np.zeros((4, 3, 32, 32), np.float32)}
    layers = profile_layers(ProfilingTensorRtRunner(engine, backend), feed, onnx_file=model)
    assert all(layer.p50_ms >= 0 for layer in layers)
    assert sum(layer.p50_ms for layer in layers) > 0
    assert {module for layer in layers for module in layer.modules} & {
        name for name, _ in build_model("wrn_10_1", num_classes=10).named_modules()
    }


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("way", ["cudart", "cuda-python"])
def test_cuda_copies_times_and_repeats(way: str) -> None:
    if way == "cuda-python" and importlib.util.find_spec("cuda") is None:
        pytest.skip("cuda-python is not installed")
    cuda, dtype = open_cuda(way), np.dtype(np.float32)
    with (
        PinnedBuffer(cuda, 4096) as here,
        PinnedBuffer(cuda, 4096) as back,
        DeviceBuffer(cuda, 4096) as there,
        Stream(cuda) as stream,
        Event(cuda) as start,
        Event(cuda) as end,
    ):

        def work() -> None:
            stream.upload(here, there, 4096)
            stream.download(there, back, 4096)

        with CapturedGraph(stream, work) as graph:
            for value in (1.0, 2.0):
                here.view((1024,), dtype)[...] = value
                start.record(stream)
                graph.launch()
                end.record(stream)
                end.synchronize()
                assert (back.view((1024,), dtype) == value).all()
        assert start.elapsed_ms(end) > 0
    free, total = cuda.memory_info()
    assert 0 < free <= total


@pytest.mark.skipif(not WHY_NO_GPU, reason="a GPU answers here")
def test_without_a_gpu_a_real_engine_says_so(tmp_path: Path) -> None:
    """Built for another machine's GPU with TensorRT for RTX, which needs none for that."""
    model, engine = tmp_path / "m.onnx", tmp_path / "m.engine"
    network = build_model("wrn_10_1", num_classes=10)
    export_onnx(network, torch.randn(2, 3, 32, 32), model, target="rtx")
    ensure_engine(model, engine, load_bindings("tensorrt-rtx"), EngineSettings(sm="86"))
    with pytest.raises(DeviceUnsupportedError, match="no GPU answers here") as told:
        TensorRtRunner(engine, "tensorrt-rtx").activate()
    assert told.value.exit_code == 5
