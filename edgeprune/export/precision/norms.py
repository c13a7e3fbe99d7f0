"""Batch norms with their statistics folded into scale and shift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgeprune.export.onnx_graph import Graph, attributes, drop_unread, like

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def with_plain_norms(model: ModelProto) -> ModelProto:
    """The same function with mean 0 and variance 1 in every batch norm whose constants are known.

    A running variance of 1e-8, or of 1e5, is ordinary in FP32 and has no place in FP16; the scale
    and the shift that it makes, computed in float64 here, have.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = Graph(made)
    nodes = [_plain(node, graph) if node.op_type == "BatchNormalization" else node
             for node in made.graph.node]  # fmt: skip
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(graph.added)
    drop_unread(made)
    return made


def _plain(node: NodeProto, graph: Graph) -> NodeProto:
    known = [graph.constant(name) for name in node.input[1:]]
    if any(value is None for value in known) or attributes(node).get("training_mode", 0):
        return node
    gamma, beta, mean, variance = (_exact(value) for value in known)
    scale = gamma / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
    shift = beta - mean * scale
    parts = {"scale": scale, "shift": shift, "mean": 0 * scale, "variance": 0 * scale + 1}
    names = [graph.add(f"{node.name}_{n}", v.astype(np.float32)) for n, v in parts.items()]
    # 0 is not taken by every runtime; the smallest step of FP16 near 1 is 1e-3.
    return like(node, [node.input[0], *names], epsilon=1e-12)


def _exact(value: NDArray[Any] | None) -> NDArray[np.float64]:
    assert value is not None
    return value.astype(np.float64)
