"""What ONNX Runtime's own nodes were made from; the graphs are recorded from ONNX Runtime 1.32."""

from __future__ import annotations

import pytest

from edgeprune.device.onnx.file import OnnxNode
from edgeprune.device.race.onnxruntime_layers import profiled


def _node(op: str, name: str, inputs: str, output: str, module: str = "") -> OnnxNode:
    noted = {"edgeprune.module": module} if module else {}
    return OnnxNode(name, op, tuple(inputs.split()), noted, (output,))


_HEAD = [
    _node("Conv", "node_Conv_125", "input conv1.weight", "conv2d"),
    _node("BatchNormalization", "node_norm", "conv2d bn.weight", "getitem"),
    _node("Relu", "node_relu", "getitem", "relu"),
]
_DENSE = [
    *_HEAD,
    _node("Conv", "node_Conv_128", "relu b.conv1.weight", "getitem_3"),
    _node("Relu", "node_relu_1", "getitem_3", "relu_1"),
    _node("Conv", "node_Conv_129", "relu_1 b.conv2.weight", "conv2d_2"),
    _node("Add", "node_add_35", "conv2d conv2d_2", "add_35"),
    _node("Conv", "node_Conv_130", "add_35 short.weight", "conv2d_3"),
]
_SPARSE = [
    *_HEAD,
    _node("SparseConv2d", "node_relu_1", "relu", "relu_1", "b.conv1"),
    _node("SparseConv2d", "node_add_35", "relu_1 conv2d", "add_35", "b.conv2"),
    _node("Conv", "node_Conv_130", "add_35 short.weight", "conv2d_3"),
]
_DENSE_OPTIMISED = [
    _node("Conv", "conv2d_nchwc", "input reorder", "t0"),
    _node("Conv", "getitem_bn_nchwc", "t0 bn_scale bn_B", "t1"),
    _node("Conv", "relu_1_nchwc", "t1 t2", "t3"),
    _node("Conv", "conv2d_2_nchwc", "t3 t4  t0", "t5"),
    _node("Conv", "conv2d_3_nchwc", "t5 t6", "t7"),
    _node("ReorderOutput", "ReorderOutput", "t7", "conv2d_3"),
]
_SPARSE_OPTIMISED = [
    _node("Conv", "conv2d_nchwc", "input reorder", "t0"),
    _node("ReorderOutput", "ReorderOutput_token_9", "t0", "conv2d"),
    _node("Conv", "getitem_bn_nchwc", "t0 bn_scale bn_B", "t1"),
    _node("ReorderOutput", "ReorderOutput_token_10", "t1", "relu"),
    _node("EdgepruneSparseConv2d", "node_relu_1", "relu", "relu_1"),
    _node("EdgepruneSparseConv2dAdd", "node_add_35", "relu_1 conv2d", "add_35"),
    _node("ReorderInput", "ReorderInput", "add_35", "t3"),
    _node("Conv", "conv2d_3_nchwc", "t3 t6", "t7"),
    _node("ReorderOutput", "ReorderOutput", "t7", "conv2d_3"),
]
_RACED = ("b.conv1", "b.conv2")


def _profile(nodes: list[OnnxNode], optimised: list[OnnxNode]) -> dict[str, tuple[str, ...]]:
    times_ms = {(node.name, node.op): 1.0 for node in optimised}
    return {layer.name: layer.parts for layer in profiled(nodes, optimised, times_ms, _RACED)}


def test_fused_nodes_hold_all_that_is_gone() -> None:
    assert _profile(_DENSE, _DENSE_OPTIMISED) == {
        "conv2d_nchwc": ("conv1",),
        "getitem_bn_nchwc": ("node_norm", "node_relu"),
        "relu_1_nchwc": ("b.conv1", "node_relu_1"),
        "conv2d_2_nchwc": ("b.conv2", "node_add_35"),
        "conv2d_3_nchwc": ("short",),
        "ReorderOutput ReorderOutput for conv2d_3_nchwc": (),
    }


def test_copies_are_for_the_sparse_layer_that_they_stand_beside() -> None:
    assert _profile(_SPARSE, _SPARSE_OPTIMISED) == {
        "conv2d_nchwc": ("conv1",),
        "ReorderOutput ReorderOutput_token_9 for node_add_35": (),
        "getitem_bn_nchwc": ("node_norm", "node_relu"),
        "ReorderOutput ReorderOutput_token_10 for node_relu_1": (),
        "node_relu_1": ("b.conv1", "node_relu_1"),
        "node_add_35": ("b.conv2", "node_add_35"),
        "ReorderInput ReorderInput for node_add_35": (),
        "conv2d_3_nchwc": ("short",),
        "ReorderOutput ReorderOutput for conv2d_3_nchwc": (),
    }


@pytest.mark.parametrize("name", ["relu_9", "node_relu_9"])
def test_of_two_convolutions_a_fused_one_is_the_one_that_nobody_else_runs(name: str) -> None:
    """As fused without a blocked layout: the name is that of the last value or node."""
    nodes = [
        _node("Conv", "node_short", "x short.weight", "s"),
        _node("Conv", "node_main", "x main.weight", "m"),
        _node("Add", "node_add", "s m", "a"),
        _node("Relu", "node_relu_9", "a", "relu_9"),
    ]
    optimised = [
        _node("Conv", "node_short", "x short.weight", "s"),
        _node("FusedConv", name, "x main.weight s", "relu_9"),
    ]
    assert _profile(nodes, optimised)[name] == ("main", "node_add", "node_relu_9")


def test_casts_in_a_row_are_for_what_is_at_their_end() -> None:
    nodes = [_node("SparseConv2d", "node_a", "x", "y", "b.conv1")]
    optimised = [
        _node("Cast", "one", "x", "t0"),
        _node("Cast", "two", "t0", "t1"),
        _node("EdgepruneSparseConv2d", "node_a", "t1", "y"),
        _node("Cast", "alone", "z", "w"),
    ]
    found = _profile(nodes, optimised)
    assert set(found) == {"Cast one for node_a", "Cast two for node_a", "node_a", "Cast alone"}
