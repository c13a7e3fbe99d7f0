"""Sparse graphs in ONNX Runtime: the same results, and failures as one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper, numpy_helper
from sparse_convs import by_torch, sparse_convs

from edgeprune.device.errors import DeviceError
from edgeprune.device.latency import measure_interleaved
from edgeprune.device.runners import onnxruntime_sparse
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.runners.onnxruntime_profile import profile_nodes
from edgeprune.device.sparse import VcsrError, pack
from edgeprune.device.sparse.node import DOMAIN, OP_TYPE, SparseConv2d


def saved(conv: SparseConv2d, path: Path, *, residual: bool = False, **damage: Any) -> Path:
    """A graph of a sparse convolution and a Neg."""
    half = conv.weight.val.dtype == np.float16
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    carried = {
        name: numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
        for name, value in {**conv.as_attributes(), **damage}.items()
    }
    names = ["x", "r"] if residual else ["x"]
    nodes = [
        helper.make_node(OP_TYPE, names, ["s"], name="conv", domain=DOMAIN, **carried),
        helper.make_node("Neg", ["s"], ["y"], name="neg"),
    ]
    infos = [helper.make_tensor_value_info(name, kind, [None] * 4) for name in [*names, "y"]]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    graph = helper.make_graph(nodes, "g", infos[:-1], infos[-1:])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def _conv(dtype: type = np.float32) -> SparseConv2d:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((8, 3, 3, 3)).astype(dtype)
    weight[rng.random(weight.shape) < 0.8] = 0
    return SparseConv2d(pack(weight, vector=1, channel_tile=2), pads=(1, 1, 1, 1))


@settings(deadline=None, max_examples=40, suppress_health_check=HealthCheck)
@given(sparse_convs())
def test_any_convolution_runs(tmp_path: Path, case: tuple[SparseConv2d, Any, Any]) -> None:
    conv, inputs, residual = case
    path = saved(conv, tmp_path / "m.onnx", residual=residual is not None)
    feed = {"x": inputs} if residual is None else {"x": inputs, "r": residual}
    with OnnxRuntimeRunner(path, threads=1) as runner:
        found = runner.infer(feed)["y"]
    np.testing.assert_allclose(-found, by_torch(*case), rtol=1e-5, atol=1e-4)


def test_fp16_has_casts_around_it(tmp_path: Path) -> None:
    conv = _conv(np.float16)
    path = saved(conv, tmp_path / "m.onnx", residual=True)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((2, 3, 9, 7)).astype(np.float16)
    residual = rng.standard_normal((2, 8, 9, 7)).astype(np.float16)
    with OnnxRuntimeRunner(path) as runner:
        found = runner.infer({"x": inputs, "r": residual})["y"]
    assert found.dtype == np.float16
    np.testing.assert_allclose(-found, by_torch(conv, inputs, residual), rtol=2e-3, atol=1e-3)


def test_latency_and_profile_work_and_nothing_is_kept(tmp_path: Path) -> None:
    path = saved(_conv(), tmp_path / "m.onnx")
    feed = {"x": np.zeros((1, 3, 16, 16), np.float32)}
    runners = {name: OnnxRuntimeRunner(path, threads=1) for name in "ab"}
    found = measure_interleaved(runners, feed, warmup=1, repeats=5)
    assert all(latency.p50_ms > 0 for latency in found.values())
    nodes = {node.name: node.op for node in profile_nodes(path, feed, repeats=3)}
    assert nodes == {"conv": "EdgepruneSparseConv2d", "neg": "Neg"}
    assert not onnxruntime_sparse._LAYERS


def test_inputs_that_do_not_fit_are_told_and_the_runner_goes_on(tmp_path: Path) -> None:
    with OnnxRuntimeRunner(saved(_conv(), tmp_path / "m.onnx")) as runner:
        with pytest.raises(VcsrError, match=r"inputs of shape \(1, 4, 5, 5\)"):
            runner.infer({"x": np.zeros((1, 4, 5, 5), np.float32)})
        assert runner.infer({"x": np.zeros((1, 3, 5, 5), np.float32)})["y"].shape == (1, 8, 5, 5)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"seg": np.zeros(3, np.int32)}, "segments"),
        ({"off": np.zeros(3, np.int32)}, "segments"),
        ({"channel_tile": 0}, "CT 0"),
        ({"activation": "gelu"}, "use none, relu, clip"),
    ],
)
def test_damaged_nodes_are_told(tmp_path: Path, damage: dict[str, Any], said: str) -> None:
    path = saved(_conv(), tmp_path / "m.onnx", **damage)
    with pytest.raises(DeviceError) as told:
        OnnxRuntimeRunner(path).activate()
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert not onnxruntime_sparse._LAYERS


def test_without_the_extensions_it_says_what_to_install(tmp_path: Path) -> None:
    path = saved(_conv(), tmp_path / "m.onnx")
    ended = _activated_without_extensions(path)
    assert ended.returncode == 1
    assert "DeviceUnsupportedError" in ended.stderr
    assert "pip install 'edgeprune[sparse]'" in ended.stderr


def _activated_without_extensions(path: Path) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys; sys.modules['onnxruntime_extensions'] = None\n"
        "from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner\n"
        f"OnnxRuntimeRunner({str(path)!r}).activate()\n"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_dense_graphs_need_no_extensions(tmp_path: Path) -> None:
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", info[:1], info[1:])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    assert _activated_without_extensions(tmp_path / "m.onnx").returncode == 0


def test_other_operators_of_the_extensions_keep_working() -> None:
    extensions = pytest.importorskip("onnxruntime_extensions")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime_sparse._register()
    kinds = [extensions.PyCustomOpDef.dt_float]

    @extensions.onnx_op(op_type="Twice", inputs=kinds, outputs=kinds)
    def twice(x: np.ndarray) -> np.ndarray:
        return 2 * x

    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
    node = helper.make_node("Twice", ["x"], ["y"], domain="ai.onnx.contrib")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.contrib", 1)]
    graph = helper.make_graph([node], "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(extensions.get_library_path())
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"x": np.array([1, 2], np.float32)})
    np.testing.assert_array_equal(found, [2, 4])
