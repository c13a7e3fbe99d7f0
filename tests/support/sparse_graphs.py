"""A small graph of sparse convolutions, as export writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from sparse_layers import small_conv

from edgeprune.device.sparse import pack
from edgeprune.device.sparse.node import DOMAIN, OP_TYPE, SparseConv2d


def _node(conv: SparseConv2d, inputs: list[str], output: str) -> NodeProto:
    carried = {
        name: numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
        for name, value in conv.as_attributes().items()
    }
    return helper.make_node(OP_TYPE, inputs, [output], name=output, domain=DOMAIN, **carried)


def _conv_with(weights_left: int, dtype: type) -> SparseConv2d:
    weight = np.zeros((16, 16, 3, 3), dtype)
    weight.reshape(-1)[:weights_left] = 1
    limits = {"activation": "clip", "clip_low": -1.0, "clip_high": 6.0}
    return SparseConv2d(pack(weight, vector=1, channel_tile=16), pads=(1, 1, 1, 1), **limits)


def saved_graph(path: Path, dtype: type) -> Path:
    """Three in a row: with a bias and a ReLU; an odd number of columns and a residual; nothing."""
    kind = TensorProto.FLOAT16 if dtype is np.float16 else TensorProto.FLOAT
    nodes = [
        _node(small_conv(dtype), ["x"], "first"),
        _node(_conv_with(7, dtype), ["first", "first"], "second"),
        _node(_conv_with(0, dtype), ["second"], "y"),
    ]
    infos = [
        helper.make_tensor_value_info(name, kind, ["batch", channels, 9, 9])
        for name, channels in (("x", 12), ("y", 16))
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path
