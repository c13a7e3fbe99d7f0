"""TensorRT-RTX's own parser and builder take graphs with the plugin; neither needs a GPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from needs import lacking
from onnx import NodeProto, TensorProto, helper, numpy_helper
from sparse_harness.nvcc_build import by_cmake, nvcc
from sparse_harness.tensorrt_headers import NoHeadersError, tensorrt_headers
from sparse_layers import small_conv

from edgeprune.device.sparse import pack
from edgeprune.device.sparse.node import DOMAIN, OP_TYPE, SparseConv2d

pytest.importorskip("tensorrt_rtx")


@pytest.fixture(scope="module")
def plugin() -> Path:
    """The library as a board's compiler makes it."""
    if nvcc() is None:
        lacking("needs nvcc")
    try:
        tensorrt_headers()
    except NoHeadersError as failure:
        lacking(str(failure))
    return by_cmake()


@pytest.fixture(scope="module")
def by_name(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where TensorRT-RTX's parser finds its library under the name that it looks for."""
    found = importlib.util.find_spec("tensorrt_rtx_libs")
    assert found is not None
    assert found.origin is not None
    folder = tmp_path_factory.mktemp("by_name")
    library = Path(found.origin).with_name("libtensorrt_rtx.so.1")
    (folder / "libtensorrt_rtx.so").symlink_to(library)
    return folder


def _build(
    model: Path, plugin: Path, by_name: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(by_name or "")}
    command = [sys.executable, "-m", "edgeprune", "build", model, "--backend", "tensorrt-rtx",
               "--sm", "86", "--plugin", plugin, "--json"]  # fmt: skip
    return subprocess.run(
        [str(word) for word in command],
        env=environment, capture_output=True, encoding="utf-8", check=False, timeout=200,
    )  # fmt: skip


def _node(conv: SparseConv2d, inputs: list[str], output: str) -> NodeProto:
    carried = {
        name: numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
        for name, value in conv.as_attributes().items()
    }
    return helper.make_node(OP_TYPE, inputs, [output], name=output, domain=DOMAIN, **carried)


def _conv_with(weights_left: int, dtype: type) -> SparseConv2d:
    weight = np.zeros((16, 16, 3, 3), dtype)
    weight.reshape(-1)[:weights_left] = 1
    limits = {"activation": "clip", "clip_low": -1.0, "clip_high": 6.0}
    return SparseConv2d(pack(weight, vector=1, channel_tile=16), pads=(1, 1, 1, 1), **limits)


def _saved(path: Path, dtype: type) -> Path:
    """Three in a row: with a bias and a ReLU; an odd number of columns and a residual; nothing."""
    kind = TensorProto.FLOAT16 if dtype is np.float16 else TensorProto.FLOAT
    nodes = [
        _node(small_conv(dtype), ["x"], "first"),
        _node(_conv_with(7, dtype), ["first", "first"], "second"),
        _node(_conv_with(0, dtype), ["second"], "y"),
    ]
    infos = [
        helper.make_tensor_value_info(name, kind, ["batch", channels, 9, 9])
        for name, channels in (("x", 12), ("y", 16))
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_engine_is_built_from_what_export_writes(
    plugin: Path, by_name: Path, tmp_path: Path, dtype: type
) -> None:
    model = _saved(tmp_path / "m.onnx", dtype)
    done = _build(model, plugin, by_name)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["plan_bytes"] == model.with_suffix(".engine").stat().st_size
    assert b"SparseConv2d" in model.with_suffix(".engine").read_bytes()


@pytest.mark.slow
def test_what_would_end_the_process_is_told_before(plugin: Path, tmp_path: Path) -> None:
    done = _build(_saved(tmp_path / "m.onnx", np.float32), plugin)
    assert done.returncode == 5, done.stderr
    assert "start with LD_LIBRARY_PATH=FOLDER" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_without_the_library_the_remedy_is_told(tmp_path: Path) -> None:
    model = _saved(tmp_path / "m.onnx", np.float32)
    command = [sys.executable, "-m", "edgeprune", "build", str(model), "--backend", "tensorrt-rtx",
               "--sm", "86"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 5
    line = done.stderr.splitlines()[-1]
    assert "cannot read node 'first' (SparseConv2d)" in line
    assert "give --plugin LIBRARY" in line
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
