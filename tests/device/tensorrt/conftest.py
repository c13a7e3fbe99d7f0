"""TensorRT for RTX, which really builds engines on a machine without a GPU, and a model for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeprune.device.tensorrt.bindings import Bindings, load_bindings
from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model


@pytest.fixture(scope="session")
def rtx() -> Bindings:
    """The real bindings."""
    return load_bindings("tensorrt-rtx")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small residual network as ONNX."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "wrn.onnx"
    export_onnx(
        build_model("wrn_10_1", num_classes=10), torch.randn(2, 3, 32, 32), path, target="rtx"
    )
    return path


@pytest.fixture
def model(exported: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    path = tmp_path / "wrn.onnx"
    path.write_bytes(exported.read_bytes())
    return path
