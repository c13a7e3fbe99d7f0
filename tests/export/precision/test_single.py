"""Nodes that stay FP32 together: INT8 beyond FP16's range, and constants that vanish in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from precision_graphs import exported, feeds, ops, outputs
from torch import Tensor, nn

from edgeprune.device.targets import find_target
from edgeprune.export.precision.calibration import Calibration
from edgeprune.export.precision.convert import checked, convert
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.fallback import noise_db
from edgeprune.export.precision.half import to_half
from edgeprune.export.precision.survey import largest_magnitudes

SHAPE = (3, 8, 8)


def loud() -> nn.Module:
    """The second convolution reads values far beyond FP16's range."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1),
    )  # fmt: skip
    with torch.no_grad():
        model[0].weight.mul_(3e5)
        model[2].weight.mul_(1e-5)
    return model


def test_int8_of_values_beyond_fp16(tmp_path: Path) -> None:
    graph, data = exported(loud(), tmp_path, *SHAPE), feeds(*SHAPE)
    made = convert(graph, "int8", find_target("rtx"), data, Calibration("min-max"))
    checked(made.model, "int8")
    exact, found = outputs(graph, data[0]), outputs(emulated(made.model), data[0])
    assert noise_db([exact], [found]) > 30.0


def test_no_cast_between_int8_and_its_layer(tmp_path: Path) -> None:
    graph = exported(loud(), tmp_path, *SHAPE)
    made = convert(graph, "int8", find_target("rtx"), feeds(*SHAPE), Calibration("min-max"))
    stored = {tensor.name: tensor.data_type for tensor in made.model.graph.initializer}
    readers = {name: node for node in made.model.graph.node for name in node.input}
    types = []
    for node in ops(made.model, "DequantizeLinear"):
        assert readers[node.output[0]].op_type == "Conv"
        types.append(stored[node.input[1]])
    assert sorted(types) == [TensorProto.FLOAT] * 2 + [TensorProto.FLOAT16] * 2


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 4, 1, bias=False), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.conv(x))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: nn.functional.normalize(x, dim=1), {"ReduceL2", "Clip", "Expand", "Div"}),
        (lambda x: x / x.abs().amax(1, keepdim=True).clamp(min=1e-9), {"Clip", "Div"}),
        (lambda x: x / x.abs().amax(1, keepdim=True).clamp(min=1e-3), set()),
        (lambda x: x / x.abs().amax(1, keepdim=True).clamp(min=1e-9).sqrt(), {"Clip", "Sqrt"}),
    ],
    ids=["normalize", "clamped", "held by FP16", "held after the root"],
)
def test_no_division_by_a_constant_that_vanishes(
    function: Callable[[Tensor], Tensor], expected: set[str], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    graph = exported(Function(function), tmp_path, *SHAPE)
    (feed,) = feeds(*SHAPE, batches=1)
    feed["input"][0] = 0.0
    made = to_half(graph, largest_magnitudes(graph, [feed]))
    checked(made.model, "fp16")
    by_name = {node.name: node.op_type for node in graph.graph.node}
    assert {by_name[name] for name in made.kept} == expected
    assert np.abs(outputs(graph, feed) - outputs(emulated(made.model), feed)).max() < 1e-2


def test_a_tiny_bias_is_no_such_constant(tmp_path: Path) -> None:
    model = nn.Conv2d(3, 1, 1)
    with torch.no_grad():
        model.bias.fill_(1e-10)  # type: ignore[union-attr]
    assert not to_half(exported(model, tmp_path, *SHAPE)).kept


def test_tensorrt_8_is_told_of_int8_graphs_too(tmp_path: Path) -> None:
    graph = exported(loud(), tmp_path, *SHAPE, target="jetson-xavier")
    target = find_target("jetson-xavier")
    flags = convert(graph, "fp16", target, feeds(*SHAPE)).kept_fp32
    made = convert(graph, "int8", target, feeds(*SHAPE), Calibration("min-max"))
    assert made.kept_fp32 == flags
    assert len(flags) == 3
    assert isinstance(made.model, onnx.ModelProto)
    names = {node.name for node in made.model.graph.node}
    assert set(flags) <= names
