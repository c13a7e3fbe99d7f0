"""`auto` for boards: the cost model's word, for the layer as the graph holds it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import edgeprune
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.device.boards import boards_with
from edgeprune.device.sparse.choice import choose
from edgeprune.device.sparse.conv import ConvShape, masked_conv
from edgeprune.device.sparse.node import OP_TYPE
from edgeprune.export.sparse.gate import BoardGate
from edgeprune.export.sparse.layers import find_layers
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model
from edgeprune.prune.masks import MaskSet


def _model(weight: NDArray[np.float32], size: int | str, **attributes: object) -> onnx.ModelProto:
    """One convolution with padding 1 of an image of `size`."""
    channels = weight.shape[1] * int(attributes.get("group", 1))  # type: ignore[call-overload]
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1] * 4, **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _weight(share: float, *shape: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape) * (rng.random(shape) < share)).astype(np.float32)


@pytest.mark.parametrize("sm", ["72", "87", "110"])
@pytest.mark.parametrize("share", [0.01, 0.06, 0.1, 0.3])
def test_sparse_only_where_every_board_is_expected_to_gain(sm: str, share: float) -> None:
    weight = _weight(share, 256, 128, 3, 3)
    model = _model(weight, 14, group=2, strides=[2, 2])
    (layer,) = find_layers(model)
    chosen = BoardGate(model, sm, "fp16")(layer)
    shape = ConvShape(256, 256, (14, 14), (7, 7), (3, 3), stride=(2, 2), groups=2)
    expected = [choose(board, masked_conv("", shape, weight)) for board in boards_with(sm)]
    assert chosen.sparse == all(one.goes_sparse for one in expected)
    assert chosen.reason.startswith("predicted for jetson-")
    assert (chosen.vector is not None) == chosen.sparse


def test_whole_columns_are_packed_as_the_gate_counts_on() -> None:
    weight = np.repeat(_weight(0.05, 8, 256, 3, 3), 32, axis=0)
    model = _model(weight, 14)
    (layer,) = find_layers(model)
    chosen = BoardGate(model, "87", "fp16")(layer)
    assert (chosen.sparse, chosen.vector in (4, 8)) == (True, True)


def test_nothing_is_predicted_without_a_size() -> None:
    model = _model(_weight(0.01, 64, 64, 3, 3), "side")
    (layer,) = find_layers(model)
    chosen = BoardGate(model, "87", "fp16")(layer)
    assert not chosen.sparse
    assert "not known" in chosen.reason


def test_obstacles_come_first() -> None:
    model = _model(np.full((8, 8, 3, 3), np.inf, dtype=np.float32), 8)
    (layer,) = find_layers(model)
    assert BoardGate(model, "87", "fp16")(layer).reason == layer.obstacle != ""


def test_export_asks_the_model_of_the_targets_boards(tmp_path: Path) -> None:
    args = {"num_classes": 10}
    network = build_model("wrn_10_2", **args)
    masks = MaskSet.for_weights(network)
    masks.shrink_to(network, 0.02)
    masks.apply(network)
    stored = Preprocessing((0.5,) * 3, (0.5,) * 3, (64, 64), 3)
    checkpoint = checkpoint_of(network, arch="wrn_10_2", arch_args=args, preprocessing=stored,
                               classes=(), metrics={})  # fmt: skip
    save_checkpoint(tmp_path / "m.pt", checkpoint)
    ended = edgeprune("export", tmp_path / "m.pt", "--target", "jetson-orin", "--sparse", "auto",
                      "--json")  # fmt: skip
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    layers = found["sparse"]["layers"]
    assert all(layer["reason"].startswith("predicted for jetson-") for layer in layers)
    chosen = {layer["name"]: layer["vector"] for layer in layers if layer["sparse"]}
    assert 0 < len(chosen) < len(layers)
    nodes = [n for n in onnx.load(found["path"]).graph.node if n.op_type == OP_TYPE]
    assert len(nodes) == len(chosen)
