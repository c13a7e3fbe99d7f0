"""Graphs of FP16: types, what stays FP32, and that they compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from precision_graphs import Residual, exported, feeds, ops, outputs
from torch import Tensor, nn

from edgeprune.device.targets import find_target
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.export.precision.convert import checked, convert
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.half import to_half
from edgeprune.export.precision.norms import with_plain_norms
from edgeprune.export.precision.survey import largest_magnitudes

SHAPE = (3, 8, 8)


class Function(nn.Module):
    """A convolution, and a function of its result."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 4, 1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.conv(x))  # type: ignore[operator,no-any-return]


def test_inputs_and_outputs_stay_fp32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = exported(Residual(), tmp_path, *SHAPE)
    made = to_half(graph)
    checked(made.model, "fp16")
    ends = [*made.model.graph.input, *made.model.graph.output]
    assert {value.type.tensor_type.elem_type for value in ends} == {TensorProto.FLOAT}
    assert [value.name for value in made.model.graph.output] == ["output"]
    weights = [t for t in made.model.graph.initializer if len(t.dims) > 1]
    assert {tensor.data_type for tensor in weights} == {TensorProto.FLOAT16}
    assert list(made.kept.values()) == ["ReduceMean sums many values"]
    (feed,) = feeds(*SHAPE, batches=1)
    exact, found = outputs(graph, feed), outputs(emulated(made.model), feed)
    assert found.dtype == np.float32
    assert np.abs(exact - found).max() < 5e-3 * np.abs(exact).max()


FUNCTIONS = {
    "softmax stays FP16": (lambda x: x.softmax(1), set()),
    "exp": (torch.exp, {"Exp"}),
    "power": (lambda x: x.abs() ** 1.5, {"Pow"}),
    "a mask beyond FP16": (
        lambda x: torch.where(x > 0, x, torch.full_like(x, -1e9)).softmax(1),
        {"Expand", "Where", "Softmax"},
    ),
    "a cast of its own": (lambda x: (x > 0).float() * x, set()),
    "resize": (lambda x: nn.functional.interpolate(x, scale_factor=2.0), set()),
    "layer norm": (lambda x: nn.functional.layer_norm(x, x.shape[1:]), set()),
    "two results": (lambda x: torch.cat(torch.split(x, [1, 3], dim=1), 1), set()),
    "new values": (lambda x: torch.cat([x, torch.zeros_like(x)], 1), set()),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operators_get_valid_types(name: str, tmp_path: Path) -> None:
    function, expected = FUNCTIONS[name]
    torch.manual_seed(0)
    graph = exported(Function(function), tmp_path, *SHAPE)
    (feed,) = feeds(*SHAPE, batches=1)
    made = to_half(graph, largest_magnitudes(graph, [feed]))
    checked(made.model, "fp16")
    by_name = {node.name: node.op_type for node in graph.graph.node}
    assert {by_name[node] for node in made.kept} == expected
    exact, found = outputs(graph, feed), outputs(emulated(made.model), feed)
    assert np.abs(exact - found).max() <= 5e-3 * max(float(np.abs(exact).max()), 1.0)


def test_large_values_keep_their_nodes_fp32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1))
    with torch.no_grad():
        model[0].weight.mul_(1e5)
        model[2].weight.mul_(1e-5)
    graph = exported(model, tmp_path, *SHAPE)
    data = feeds(*SHAPE)
    careless, careful = to_half(graph), to_half(graph, largest_magnitudes(graph, data))
    exact = outputs(graph, data[0])
    assert not np.isfinite(outputs(emulated(careless.model), data[0])).all()
    assert (
        np.abs(outputs(emulated(careful.model), data[0]) - exact).max() < 5e-3 * np.abs(exact).max()
    )
    assert len(careful.kept) == 3
    assert all("meets values of" in why for why in careful.kept.values())


def test_norms_with_statistics_that_fp16_lacks(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 1))
    graph = exported(model, tmp_path, *SHAPE)
    with torch.no_grad():
        variance = next(t for t in graph.graph.initializer if t.name.endswith("running_var"))
        tiny = np.array([1e-9, 1.0, 2e5], dtype=np.float32)
        variance.CopyFrom(numpy_helper.from_array(tiny, variance.name))
    (feed,) = feeds(*SHAPE, batches=1)
    exact = outputs(graph, feed)
    assert np.abs(outputs(with_plain_norms(graph), feed) - exact).max() < 1e-4
    scale = np.abs(exact).max()
    assert np.abs(outputs(emulated(to_half(graph).model), feed) - exact).max() < 5e-3 * scale


@pytest.mark.parametrize("target", ["rtx", "jetson-orin"])
def test_tensorrt_builds_it(target: str, tmp_path: Path) -> None:
    graph = exported(Residual(), tmp_path, *SHAPE, target=target)
    made = convert(graph, "fp16", find_target(target), feeds(*SHAPE))
    path = tmp_path / "half.onnx"
    onnx.save(made.model, path)
    plan = build_plan(path, load_bindings("tensorrt-rtx"), EngineSettings(sm="86"))
    assert len(plan.data) > 1000


def test_tensorrt_8_keeps_fp32_and_is_told(tmp_path: Path) -> None:
    graph = exported(Residual(), tmp_path, *SHAPE, target="jetson-xavier")
    (data,) = feeds(*SHAPE, batches=1)
    made = convert(graph, "fp16", find_target("jetson-xavier"), [data])
    assert made.model.SerializeToString() == graph.SerializeToString()
    assert [ops(graph, "ReduceMean")[0].name] == list(made.kept_fp32)
    # What is measured in its place is what the flags make of it.
    assert made.by_flags is not None
    assert np.abs(outputs(emulated(made.by_flags), data) - outputs(graph, data)).max() > 0
