"""Einsums become what TensorRT reads, and stay the same function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.export.einsum import plain_einsums
from edgeprune.export.onnx import export_onnx

SIZES = dict(zip("BGHIJDabcijk", (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7), strict=True))


def graph_of(equation: str) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A graph of one Einsum, and inputs for it."""
    operands = equation.partition("->")[0].split(",")
    rng = np.random.default_rng(0)
    shapes = [[SIZES[letter] for letter in labels.replace(" ", "")] for labels in operands]
    names = [f"x{number}" for number in range(len(operands))]
    feed = {
        name: rng.standard_normal(shape).astype(np.float32)
        for name, shape in zip(names, shapes, strict=True)
    }
    node = helper.make_node("Einsum", names, ["y"], name="einsum", equation=equation)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
        for name, value in feed.items()
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), feed


@pytest.mark.parametrize(
    ("equation", "ops"),
    [
        ("B G H I D, B G H J D -> B G H I J", ["Transpose", "MatMul"]),
        ("B G H I J, B G H J D -> B G H I D", ["MatMul"]),
        ("ij,jk->ik", ["MatMul"]),
        ("ij,jk->ki", ["MatMul", "Transpose"]),
        ("aij,ajk->iak", ["MatMul", "Transpose"]),
        ("iaj,kaj->aik", ["Transpose", "Transpose", "MatMul"]),
        ("ij,ij->i", ["Einsum"]),
        ("I J -> J I", ["Einsum"]),
        ("aij,bjk->abik", ["Einsum"]),
        ("ij,jk,ka->ia", ["Einsum"]),
        ("ij,jk", ["Einsum"]),
    ],
)
def test_the_function_stays(equation: str, ops: list[str]) -> None:
    model, feed = graph_of(equation)
    (expected,) = ReferenceEvaluator(model).run(None, feed)
    plain_einsums(model)
    found_ops = [node.op_type for node in model.graph.node]
    assert sorted(found_ops) == sorted(ops)
    (found,) = ReferenceEvaluator(model).run(None, feed)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    for node in model.graph.node:
        if node.op_type == "Einsum":
            written = node.attribute[0].s.decode()
            assert written == written.lower().replace(" ", "")


class Attention(nn.Module):
    """Scores as torchvision's MaxViT writes them, and a bilinear form that is no product."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).flatten(2)
        scores = torch.einsum("B I D, B J D -> B I J", y, y).softmax(-1)
        y = torch.einsum("B I J, B J D -> B I D", scores, y)
        return torch.einsum("B I D, B I D -> B D", y, y)


def test_tensorrt_builds_capital_letters(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    export_onnx(Attention(), torch.randn(2, 3, 4, 4), path, target="rtx")
    ops = {node.op_type for node in onnx.load(path).graph.node}
    assert "MatMul" in ops
    plan = build_plan(path, load_bindings("tensorrt-rtx"), EngineSettings(sm="86"))
    assert len(plan.data) > 1000
