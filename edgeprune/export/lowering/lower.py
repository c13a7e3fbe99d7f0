"""Rewrites a checked graph of a newer opset for an older parser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import onnx
from onnx import defs, helper, inliner, shape_inference

from edgeprune.errors import UnsupportedError
from edgeprune.export.lowering.rules import RULES, Rule, layer_norm
from edgeprune.export.onnx_graph import Graph, drop_unread, opset_of, refuse

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_LOWEST_OPSET = 17
OLDEST_WRITTEN_OPSET = 18  # the oldest that torch's exporter writes


def lower(model: ModelProto, opset: int, *, without_layer_norm: bool = False) -> ModelProto:
    """The same function in opset 17.

    Args:
        model: a valid graph of opset 18; not changed.
        opset: 17.
        without_layer_norm: write LayerNormalization with older operators as well (TensorRT 8.5).

    Raises:
        UnsupportedError: an operator that the older opset cannot express, by type and node name.
    """
    written = opset_of(model)
    if opset != _LOWEST_OPSET or written != OLDEST_WRITTEN_OPSET:
        raise UnsupportedError(
            f"opset {opset}: a graph of opset {OLDEST_WRITTEN_OPSET} can be lowered to "
            f"{_LOWEST_OPSET}, this one is of {written}; ask for {_LOWEST_OPSET} or newer"
        )
    inlined = inliner.inline_local_functions(model)
    inferred = shape_inference.infer_shapes(inlined, data_prop=True)
    graph = Graph(inferred)
    rules = {**RULES, "LayerNormalization": layer_norm} if without_layer_norm else RULES
    nodes = [made for node in inferred.graph.node for made in _lowered(node, graph, rules, opset)]
    lowered = onnx.ModelProto()
    lowered.CopyFrom(inlined)
    del lowered.graph.node[:]
    lowered.graph.node.extend(nodes)
    lowered.graph.initializer.extend(graph.added)
    drop_unread(lowered)
    _set_opset(lowered, opset)
    return lowered


def _lowered(
    node: NodeProto, graph: Graph, rules: Mapping[str, Rule], opset: int
) -> list[NodeProto]:
    if node.domain not in ("", "ai.onnx"):
        return [node]
    if any(attribute.HasField("g") for attribute in node.attribute):
        raise refuse(node, "holds a graph of its own, which is not lowered")
    rule = rules.get(node.op_type)
    if rule is not None:
        return rule(node, graph)
    try:
        before = defs.get_schema(node.op_type, opset, "").since_version
    except defs.SchemaError as failure:
        raise refuse(node, f"is newer than opset {opset}") from failure
    if before != defs.get_schema(node.op_type, OLDEST_WRITTEN_OPSET, "").since_version:
        _require_what_was_there(node, opset)
    return [node]


def _require_what_was_there(node: NodeProto, opset: int) -> None:
    """The operator changed, but this node may not use what is new."""
    known = defs.get_schema(node.op_type, opset, "").attributes
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        is_new_value = attribute.name == "reduction" and value in (b"max", b"min")
        if attribute.name not in known or is_new_value:
            raise refuse(node, f"uses '{attribute.name}', which is newer than opset {opset}")


def _set_opset(model: ModelProto, opset: int) -> None:
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = opset
