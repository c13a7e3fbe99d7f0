"""The plugin in an engine on a real GPU: `pytest -m gpu` where one and TensorRT are there.

The graph has what export writes: a fused ReLU, a clip with a residual and an odd number of columns,
and a layer without a weight.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
from needs_gpu import needs_gpu
from sparse_graphs import saved_graph

from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.runners.tensorrt_profile import ProfilingTensorRtRunner, profile_layers
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettings
from edgeprune.export.sparse.reference_op import reference_evaluator

BACKENDS = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
TOLERANCE = {np.float32: 3e-5, np.float16: 6e-3}  # of the largest output, as for the kernels alone


pytestmark = [pytest.mark.gpu, needs_gpu]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_engine_gives_what_the_operator_means(
    plugin: Path, tmp_path: Path, backend: str, dtype: type
) -> None:
    if importlib.util.find_spec(BACKENDS[backend]) is None:
        pytest.skip(f"{backend} is not installed")
    model, engine = saved_graph(tmp_path / "m.onnx", dtype), tmp_path / "m.engine"
    settings = EngineSettings(batch=BatchProfile(1, 2, 4), tf32=False, plugins=(str(plugin),))
    ensure_engine(model, engine, load_bindings(backend), settings)
    reference = reference_evaluator(onnx.load(model))
    rng = np.random.default_rng(0)
    with TensorRtRunner(engine, backend, plugins=settings.plugins) as runner:
        for batch in (1, 4, 3):
            feed = {"x": rng.normal(size=(batch, 12, 9, 9)).astype(dtype)}
            (expected,) = reference.run(None, feed)
            error = np.abs(runner.infer(feed)["y"].astype(float) - expected).max()
            assert error <= TOLERANCE[dtype] * np.abs(expected).max()
    profiling = ProfilingTensorRtRunner(engine, backend, plugins=settings.plugins)
    layers = profile_layers(profiling, feed, onnx_file=model)
    assert sum(layer.p50_ms for layer in layers) > 0
