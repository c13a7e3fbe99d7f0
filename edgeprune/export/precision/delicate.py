"""Which nodes stay FP32 in a graph of FP16, and why.

Softmax is not among them: it subtracts the maximum first and its results are at most 1, and a cast
in the midst of attention would keep TensorRT from fusing it. Nor is LayerNormalization, whose
`stash_type` has it compute in FP32 on FP16 values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, defs

from edgeprune.export.onnx_graph import Graph, attributes

if TYPE_CHECKING:
    from onnx import NodeProto

FP16_MAX = 65504.0
# Values seen on some images say little about the next: half of the range is left free.
_HEADROOM = 0.5

_LONG_SUM = "sums many values"
_STEEP = "leaves FP16's range or its precision for ordinary inputs"
_STATISTICS = "computes a variance"
_DELICATE = {
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceL1", "ReduceL2", "ReduceProd", "ReduceSumSquare",
         "ReduceLogSum", "ReduceLogSumExp", "CumSum", "GlobalAveragePool", "Einsum"),
        _LONG_SUM,
    ),
    **dict.fromkeys(("Exp", "Log", "Pow", "Reciprocal", "Softplus", "Mish", "LogSoftmax"), _STEEP),
    **dict.fromkeys(
        ("InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization",
         "LpNormalization"),
        _STATISTICS,
    ),
}  # fmt: skip


def why_single(
    node: NodeProto, graph: Graph, opset: int, largest: Mapping[str, float]
) -> str | None:
    """Why a node stays FP32; None where it may become FP16.

    Args:
        node: a node of a graph of FP32.
        graph: that graph.
        opset: its opset.
        largest: greatest magnitude seen of values, by name; others are taken for small.
    """
    if node.op_type in _DELICATE:
        return _DELICATE[node.op_type]
    if node.op_type == "LayerNormalization" and attributes(node).get("stash_type", 1) != 1:
        return _STATISTICS
    if not has_half_form(node, opset):
        return "has no FP16 form in ONNX"
    if any(_is_out_of_range(graph, name) for name in node.input):
        return "holds a constant beyond FP16's range"
    seen = max((largest.get(name, 0.0) for name in (*node.input, *node.output)), default=0.0)
    if seen > _HEADROOM * FP16_MAX:
        return f"meets values of {seen:.0f} (FP16 ends at {FP16_MAX:.0f})"
    return None


def has_half_form(node: NodeProto, opset: int) -> bool:
    """Whether the operator's result, its first output, can be FP16."""
    try:
        schema = defs.get_schema(node.op_type, opset, node.domain)
    except defs.SchemaError:
        return False
    result = schema.outputs[0].type_str
    return takes_half(schema, result) or not takes(schema, result, "tensor(float)")


def takes_half(schema: defs.OpSchema, type_str: str) -> bool:
    """Whether a parameter of this type may be FP16."""
    return takes(schema, type_str, "tensor(float16)")


def takes(schema: defs.OpSchema, type_str: str, wanted: str) -> bool:
    """Whether a parameter of this type, a constraint's name or a type itself, may be `wanted`."""
    for constraint in schema.type_constraints:
        if constraint.type_param_str == type_str:
            return wanted in constraint.allowed_type_strs
    return type_str == wanted


def _is_out_of_range(graph: Graph, name: str) -> bool:
    if graph.dtype(name) != TensorProto.FLOAT:
        return False
    value = graph.constant(name)
    if value is None or not value.size:
        return False
    finite = np.abs(value[np.isfinite(value)])
    return bool(finite.size) and float(finite.max()) > FP16_MAX
