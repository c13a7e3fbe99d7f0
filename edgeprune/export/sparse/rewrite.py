"""Writes chosen convolutions, with the nodes computed along with them, as `SparseConv2d`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from edgeprune.device.sparse.node import DOMAIN, DOMAIN_VERSION, OP_TYPE, SparseConv2d
from edgeprune.export.node_modules import note_module
from edgeprune.export.onnx_graph import attributes, drop_unread
from edgeprune.export.sparse.layers import ConvLayer
from edgeprune.export.sparse.packing import Place, packed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def sparse_conv_of(
    layer: ConvLayer, vector: int | None = None, place: Place | None = None
) -> SparseConv2d:
    """A convolution that can become sparse, packed: see `packed`."""
    assert layer.weight is not None, layer.name
    given = attributes(layer.conv)
    low, high = layer.limits or (-np.inf, np.inf)
    return SparseConv2d(
        packed(layer.weight, layer.group, vector, place),
        None if layer.bias is None else layer.bias.astype(np.float32),
        tuple(given.get("strides", (1, 1))),
        tuple(given.get("pads", (0, 0, 0, 0))),
        tuple(given.get("dilations", (1, 1))),
        _activation(layer),
        low,
        high,
    )


def rewritten(model: ModelProto, layers: Sequence[tuple[ConvLayer, SparseConv2d]]) -> ModelProto:
    """The graph with sparse nodes.

    A sparse node stands where the last of its nodes stood and keeps that one's output, name and
    notes; `edgeprune.module` tells the convolution's module. Shapes and types of the outputs are
    noted, since no shape inference knows the operator.

    Args:
        model: a valid graph; not changed.
        layers: of this graph, each as what it becomes.
    """
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    values = {v.name: v for v in (*inferred.graph.value_info, *inferred.graph.output)}
    by_last = {layer.nodes[-1].output[0]: (layer, conv) for layer, conv in layers}
    gone = {node.output[0] for layer, _ in layers for node in layer.nodes[:-1]}
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    for node in model.graph.node:
        name = node.output[0]
        if name in by_last:
            made.graph.node.append(_sparse_node(*by_last[name]))
        elif name not in gone:
            made.graph.node.append(node)
    noted = {value.name for value in (*made.graph.value_info, *made.graph.output)}
    made.graph.value_info.extend(values[name] for name in by_last if name not in noted)
    _forget(made, gone)
    drop_unread(made)
    if layers:
        made.opset_import.append(helper.make_opsetid(DOMAIN, DOMAIN_VERSION))
    return made


def _sparse_node(layer: ConvLayer, conv: SparseConv2d) -> NodeProto:
    last = layer.nodes[-1]
    carried = {
        name: numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
        for name, value in conv.as_attributes().items()
    }
    inputs = [layer.conv.input[0], *([layer.residual] if layer.residual else [])]
    node = helper.make_node(
        OP_TYPE, inputs, list(last.output), name=last.name, domain=DOMAIN, **carried
    )
    node.metadata_props.extend(last.metadata_props)
    note_module(node, layer.name)
    return node


def _activation(layer: ConvLayer) -> str:
    if layer.end is None:
        return "none"
    return "relu" if layer.end.op_type == "Relu" else "clip"


def _forget(model: ModelProto, names: set[str]) -> None:
    """Notes on values that are no longer there."""
    for value in [v for v in model.graph.value_info if v.name in names]:
        model.graph.value_info.remove(value)
