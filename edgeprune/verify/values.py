"""The values of a graph that are the network's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto, shape_inference

from edgeprune.export.onnx_graph import Graph as Constants

if TYPE_CHECKING:
    from onnx import ModelProto

# What writing a precision puts in; a value that it rounds is the same value all the same.
ROUNDING = frozenset({"Cast", "QuantizeLinear", "DequantizeLinear"})
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def activations(model: ModelProto) -> tuple[str, ...]:
    """Floating-point values that nodes compute, in the graph's order, without rounded copies."""
    types = Constants(shape_inference.infer_shapes(model))
    return tuple(
        name
        for node in model.graph.node
        if node.op_type not in (*ROUNDING, "Constant")
        for name in node.output
        if name and types.dtype(name) in _FLOATS
    )
