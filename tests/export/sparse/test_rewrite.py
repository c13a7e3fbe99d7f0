"""Sparse graphs compute what dense ones do, and say where their nodes come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from precision_graphs import exported
from torch import Tensor, nn

from edgeprune.device.sparse.node import OP_TYPE, SparseConv2d
from edgeprune.export.node_modules import module_path, module_scopes
from edgeprune.export.onnx_graph import attributes
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.half import to_half
from edgeprune.export.precision.sessions import running
from edgeprune.export.sparse.layers import find_layers, with_followers
from edgeprune.export.sparse.reference_op import reference_evaluator
from edgeprune.export.sparse.rewrite import rewritten, sparse_conv_of


class Branches(nn.Module):
    """Every way in which something follows a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.alone = nn.Conv2d(3, 8, 3, padding=1)
        self.activated = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.added = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(16, 16, 1)
        self.clipped = nn.Conv2d(16, 16, (3, 1), padding=(2, 0), dilation=2, groups=4)
        self.read_twice = nn.Conv2d(16, 16, 3, padding=1)
        self.broadcast = nn.Conv2d(16, 16, 3, padding=1)
        self.offset = nn.Parameter(torch.randn(1, 16, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(self.alone(x))
        x = torch.relu(self.activated(x))
        x = torch.relu(self.shortcut(x) + self.added(x))
        x = nn.functional.relu6(self.clipped(x))
        y = self.read_twice(x)
        y = torch.relu(y) + y
        return torch.relu(self.broadcast(y) + self.offset)


def _graph(folder: Path) -> onnx.ModelProto:
    model = Branches().eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            kept = torch.rand(module.weight.shape, generator=generator) < 0.2
            module.weight.data *= kept
    return exported(model, folder, 3, 12, 10)


def _sparse(model: onnx.ModelProto, names: Sequence[str] = ()) -> onnx.ModelProto:
    layers = [layer for layer in find_layers(model) if not names or layer.name in names]
    found = with_followers(model, layers)
    return rewritten(model, [(layer, sparse_conv_of(layer)) for layer in found])


def _by_module(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {module_path(node): node for node in model.graph.node if node.op_type == OP_TYPE}


def test_outputs_are_those_of_the_dense_graph(tmp_path: Path) -> None:
    dense = _graph(tmp_path)
    sparse = _sparse(dense)
    onnx.checker.check_model(sparse, full_check=True)
    assert all(node.op_type != "Conv" for node in sparse.graph.node)
    for batch in (1, 3):
        x = np.random.default_rng(batch).standard_normal((batch, 3, 12, 10)).astype(np.float32)
        with running(dense) as runner:
            exact = runner.infer({"input": x})["output"]
        (found,) = reference_evaluator(sparse).run(None, {"input": x})
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5)


def test_what_follows_is_computed_along(tmp_path: Path) -> None:
    dense = _graph(tmp_path)
    nodes = _by_module(_sparse(dense))
    assert {name: len(node.input) for name, node in nodes.items()} == {
        "alone": 1, "activated": 1, "shortcut": 1, "added": 2, "clipped": 1, "read_twice": 1,
        "broadcast": 1,
    }  # fmt: skip
    convs = {}
    for name, node in nodes.items():
        given = attributes(node)
        arrays = {k: onnx.numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v
                  for k, v in given.items()}  # fmt: skip
        arrays["activation"] = arrays["activation"].decode()
        convs[name] = SparseConv2d.from_attributes(arrays)
    assert {name: conv.activation for name, conv in convs.items()} == {
        "alone": "none", "activated": "relu", "shortcut": "none", "added": "relu",
        "clipped": "clip", "read_twice": "none", "broadcast": "none",
    }  # fmt: skip
    assert (convs["clipped"].clip_low, convs["clipped"].clip_high) == (0.0, 6.0)
    assert convs["clipped"].dilations == (2, 2)
    assert convs["activated"].strides == (2, 2)


def test_only_what_is_chosen_changes(tmp_path: Path) -> None:
    dense = _graph(tmp_path)
    sparse = _sparse(dense, ["shortcut"])
    nodes = _by_module(sparse)
    # The addition may go to the shortcut now: the convolution beside it stays dense.
    assert list(nodes) == ["shortcut"]
    assert len(nodes["shortcut"].input) == 2
    weights = {tensor.name for tensor in sparse.graph.initializer}
    assert "added.weight" in weights
    assert "shortcut.weight" not in weights


def test_nodes_know_their_modules_values_their_names_and_shapes(tmp_path: Path) -> None:
    dense = _graph(tmp_path)
    sparse = _sparse(dense)
    before = {name for node in dense.graph.node for name in node.output}
    inferred = onnx.shape_inference.infer_shapes(dense)
    shapes = {value.name: value for value in inferred.graph.value_info}
    noted = {value.name: value for value in (*sparse.graph.value_info, *sparse.graph.output)}
    for node in _by_module(sparse).values():
        assert node.output[0] in before
        assert module_scopes(node)
        if node.output[0] in shapes:
            assert noted[node.output[0]].type == shapes[node.output[0]].type
    assert [(entry.domain, entry.version) for entry in sparse.opset_import][-1] == ("edgeprune", 1)


def test_fp16_weights_stay_fp16(tmp_path: Path) -> None:
    half = to_half(_graph(tmp_path)).model
    sparse = _sparse(half)
    onnx.checker.check_model(sparse, full_check=True)
    for node in _by_module(sparse).values():
        assert attributes(node)["val"].data_type == onnx.TensorProto.FLOAT16
        if "bias" in attributes(node):
            assert attributes(node)["bias"].data_type == onnx.TensorProto.FLOAT
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 10)).astype(np.float32)
    with running(emulated(half)) as runner:
        exact = runner.infer({"input": x})["output"]
    with np.errstate(invalid="ignore"):
        (found,) = reference_evaluator(emulated(sparse)).run(None, {"input": x})
    np.testing.assert_allclose(found, exact, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Conv1d(3, 4, 3), "1 spatial axes"),
        (lambda: nn.Conv3d(3, 4, 3), "3 spatial axes"),
    ],
)
def test_other_convolutions_stay(make: type, said: str, tmp_path: Path) -> None:
    module = make()
    shape = (3, *([6] * (module.weight.dim() - 2)))
    (layer,) = find_layers(exported(module, tmp_path, *shape))
    assert said in layer.obstacle
