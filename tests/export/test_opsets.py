"""The way from the exporter's opset to the target's."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from edgeprune.export.node_modules import HEAVY, module_path
from edgeprune.export.onnx import export_onnx


@pytest.mark.parametrize("target", ["cpu", "jetson-xavier", "jetson-orin", "jetson-thor"])
def test_nodes_tell_their_module_in_every_opset(target: str, tmp_path: Path) -> None:
    """Linear layers without a bias become MatMul, whose weight has lost its name."""
    model = nn.Sequential(nn.Linear(6, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    path = tmp_path / "model.onnx"
    export_onnx(model, torch.randn(2, 3, 6), path, target=target)
    heavy = [node for node in onnx.load(path).graph.node if node.op_type in HEAVY]
    assert [module_path(node) for node in heavy] == ["0", "2"]
