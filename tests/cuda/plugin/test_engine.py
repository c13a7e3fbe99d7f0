"""TensorRT-RTX's own parser and builder take graphs with the plugin; neither needs a GPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sparse_graphs import saved_graph

pytest.importorskip("tensorrt_rtx")


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


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_engine_is_built_from_what_export_writes(
    plugin: Path, by_name: Path, tmp_path: Path, dtype: type
) -> None:
    model = saved_graph(tmp_path / "m.onnx", dtype)
    done = _build(model, plugin, by_name)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["plan_bytes"] == model.with_suffix(".engine").stat().st_size
    assert b"SparseConv2d" in model.with_suffix(".engine").read_bytes()


@pytest.mark.slow
def test_what_would_end_the_process_is_told_before(plugin: Path, tmp_path: Path) -> None:
    done = _build(saved_graph(tmp_path / "m.onnx", np.float32), plugin)
    assert done.returncode == 5, done.stderr
    assert "start with LD_LIBRARY_PATH=FOLDER" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_without_the_library_the_remedy_is_told(tmp_path: Path) -> None:
    model = saved_graph(tmp_path / "m.onnx", np.float32)
    command = [sys.executable, "-m", "edgeprune", "build", str(model), "--backend", "tensorrt-rtx",
               "--sm", "86"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 5
    line = done.stderr.splitlines()[-1]
    assert "cannot read node 'first' (SparseConv2d)" in line
    assert "give --plugin LIBRARY" in line
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
