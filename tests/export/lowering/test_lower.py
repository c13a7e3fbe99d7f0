"""Graphs of opset 17 are the function they were, and hold nothing that TensorRT 8 misreads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from short_nets import convnext, mobilenet_v3, swin, wrn
from torch import Tensor, nn

from edgeprune.errors import UnsupportedError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.lowering import lower
from edgeprune.export.onnx import export_onnx

X = torch.randn(2, 6, 8, 8)


class Around(nn.Module):
    """A function between two convolutions."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.function = nn.Conv2d(6, 6, 1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.first(x))


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda x: x.mean((2, 3)),
    "mean over channels": lambda x: x.mean(1, keepdim=True) * x,
    "amax and amin": lambda x: x.amax((2, 3)) - x.amin((2, 3)),
    "norm": lambda x: F.normalize(x, dim=1),
    "logsumexp": lambda x: x.logsumexp(1),
    "prod": lambda x: x.prod(3),
    "chunk": lambda x: torch.cat([part.relu() for part in x.chunk(3, 1)][::-1], 1),
    "unequal split": lambda x: torch.cat(x.split([1, 2, 3], 1)[::-1], 1),
    "chunk that leaves a rest": lambda x: torch.cat(x.chunk(4, 3)[::-1], 3),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1), value=0.5),
    "reflect": lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"),
    "upsample": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "nearest": lambda x: F.interpolate(x, size=(11, 13), mode="nearest"),
    "mish": F.mish,
    "gelu": F.gelu,
    "hard swish": F.hardswish,
    "group norm": nn.GroupNorm(3, 6),
    "layer norm": nn.LayerNorm([6, 8, 8]),
    "layer norm without scale": nn.LayerNorm(8, elementwise_affine=False),
    "softmax": lambda x: x.softmax(1),
    "pixel shuffle": lambda x: F.pixel_shuffle(x[:, :4], 2),
}


@pytest.mark.parametrize("jetpack", ["5", "6.0"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_operators_keep_their_function(name: str, jetpack: str, tmp_path: Path) -> None:
    model = Around(FUNCTIONS[name]).eval()
    path = tmp_path / "m.onnx"
    exported = export_onnx(model, X, path, target="jetson-orin", jetpack=jetpack)
    assert exported.opset == 17
    _require_old_operators(onnx.load(path), layer_norm=jetpack == "6.0")
    assert onnx_max_abs_error(path, model, [(X,)]) <= 2e-5


@pytest.mark.parametrize("make", [wrn, mobilenet_v3, convnext, swin])
def test_architectures_keep_their_function(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, image = make().eval(), torch.randn(2, 3, 64, 64)
    path = tmp_path / "m.onnx"
    export_onnx(model, image, path, target="jetson-xavier")
    _require_old_operators(onnx.load(path), layer_norm=False)
    assert onnx_max_abs_error(path, model, [(image,)]) <= 1e-4


def _require_old_operators(model: onnx.ModelProto, layer_norm: bool) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [17]
    assert model.ir_version <= 8
    assert not model.functions
    kinds = {node.op_type for node in model.graph.node}
    assert layer_norm or "LayerNormalization" not in kinds
    assert kinds.isdisjoint({"Mish", "GroupNormalization"})
    for node in model.graph.node:
        if node.op_type.startswith("Reduce") and node.op_type != "ReduceSum":
            assert len(node.input) == 1, f"{node.name} has its axes as an input"
        if node.op_type == "Split":
            assert not [a for a in node.attribute if a.name == "num_outputs"]
        if node.op_type == "Pad":
            assert len(node.input) <= 3


def _model(
    node: onnx.NodeProto,
    shapes: dict[str, list[int | str]],
    constants: dict[str, np.ndarray],
    types: dict[str, int] | None = None,
) -> onnx.ModelProto:
    types = types or {}

    def info(name: str) -> onnx.ValueInfoProto:
        kind = types.get(name, TensorProto.FLOAT)
        return helper.make_tensor_value_info(name, kind, shapes.get(name))

    given = [name for name in node.input if name and name not in constants]
    graph = helper.make_graph(
        [node], "g", [info(n) for n in given], [info(n) for n in node.output],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    return onnx.shape_inference.infer_shapes(model)


def _run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: x})


HAND_WRITTEN = {
    "axes of a pad": (
        helper.make_node("Pad", ["x", "pads", "", "axes"], ["y"], name="pad"),
        {"pads": np.array([1, 0, 2, 1]), "axes": np.array([-1, 1])},
    ),
    "a split that leaves a rest": (
        helper.make_node("Split", ["x"], ["y", "z"], name="split", axis=2, num_outputs=2),
        {},
    ),
    "a reduction of nothing": (
        helper.make_node("ReduceMax", ["x"], ["y"], name="max", noop_with_empty_axes=1),
        {},
    ),
    "a reduction of everything": (
        helper.make_node("ReduceL2", ["x"], ["y"], name="l2", keepdims=0),
        {},
    ),
    "scales of some axes": (
        helper.make_node("Resize", ["x", "", "scales"], ["y"], name="resize", axes=[2, 3],
                         mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
        {"scales": np.array([2.0, 3.0], dtype=np.float32)},
    ),
    "a mish": (helper.make_node("Mish", ["x"], ["y"], name="mish"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_what_torch_seldom_writes_is_the_same_too(name: str) -> None:
    node, constants = HAND_WRITTEN[name]
    model = _model(node, {"x": [2, 3, 5, 4]}, constants)
    lowered = lower(model, 17)
    onnx.checker.check_model(lowered, full_check=True)
    assert {tensor.name for tensor in lowered.graph.initializer}.isdisjoint({"axes"})
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    for expected, found in zip(_run(model, x), _run(lowered, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


INT64 = {"axes": TensorProto.INT64}
REFUSED = {
    "computed axes": (
        _model(helper.make_node("ReduceMean", ["x", "axes"], ["y"], name="m"),
               {"x": [2, 3], "axes": [1]}, {}, INT64),
        "'m' computes the axes",
    ),
    "wrapping": (
        _model(helper.make_node("Pad", ["x", "pads"], ["y"], name="p", mode="wrap"),
               {"x": [2, 3]}, {"pads": np.array([0, 1, 0, 1])}),
        "'p' wraps around",
    ),
    "antialiasing": (
        _model(helper.make_node("Resize", ["x", "", "scales"], ["y"], name="r", antialias=1,
                                mode="linear"),
               {"x": [1, 1, 4, 4]}, {"scales": np.array([1, 1, 0.5, 0.5], dtype=np.float32)}),
        "antialias=True",
    ),
    "a new operator": (
        _model(helper.make_node("BitwiseNot", ["x"], ["y"], name="b"), {"x": [2], "y": [2]}, {},
               {"x": TensorProto.INT32, "y": TensorProto.INT32}),
        "'b' is newer than opset 17",
    ),
    "a new reduction": (
        _model(helper.make_node("ScatterElements", ["x", "axes", "x"], ["y"], name="s",
                                reduction="max"),
               {"x": [3], "axes": [3]}, {}, INT64),
        "'s' uses 'reduction'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused_by_name(name: str) -> None:
    model, text = REFUSED[name]
    with pytest.raises(UnsupportedError, match=text):
        lower(model, 17)


def test_only_one_step_down_is_offered(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"opset 13: .* ask for 17 or newer"):
        export_onnx(Around(torch.relu), X, tmp_path / "m.onnx", opset=13)
    assert not list(tmp_path.iterdir())


def test_attention_stays_in_parts_in_the_newest_opset(tmp_path: Path) -> None:
    """TensorRT builds the operator of opset 23 only for shapes that it has a kernel for."""
    layer = nn.TransformerEncoderLayer(12, 2, 8, batch_first=True, dropout=0.0).eval()
    path = tmp_path / "m.onnx"
    exported = export_onnx(layer, torch.randn(2, 5, 12), path, target="jetson-thor")
    assert exported.opset == 24
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "Softmax" in kinds
    assert "Attention" not in kinds
    assert onnx_max_abs_error(path, layer, [(torch.randn(3, 5, 12),)]) <= 1e-5
