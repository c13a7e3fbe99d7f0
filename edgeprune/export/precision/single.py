"""Which nodes of a whole graph stay FP32: the delicate ones, and those that have to go with them.

A layer in INT8 reads DequantizeLinear's results as they are: a cast in between keeps TensorRT from
making the layer one of INT8. So a DequantizeLinear whose readers all stay FP32 stays FP32 as well,
and one whose results leave FP16's range, as the values that were rounded did, takes them along.

A constant such as the 1e-12 that keeps a division from dividing by 0 is 0 in FP16. The node that
holds it stays FP32, and so do those that read its result, until FP16 can hold that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from edgeprune.export.onnx_graph import Graph
from edgeprune.export.precision.delicate import why_single

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_VANISHES = "meets a constant that is 0 in FP16"
_FOLLOWS = "feeds only nodes that stay FP32"
_LEAST_HALF = 2.0**-24
_BY_ELEMENT = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Clip", "Where"})


def _same(value: float) -> float:
    return value


# What is left of a small number in the result: of 0 + 1e-12 all of it.
_PASSES: dict[str, Callable[[float], float]] = {
    **dict.fromkeys(("Add", "Clip", "Max"), _same),
    **dict.fromkeys(("Expand", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"), _same),
    "Sqrt": math.sqrt,
}


def single_nodes(
    model: ModelProto, graph: Graph, opset: int, largest: Mapping[str, float]
) -> dict[str, str]:
    """The nodes that stay FP32, by their first output, with the reason.

    Args:
        model: a graph of FP32, QuantizeLinear and DequantizeLinear allowed.
        graph: the same, with types.
        opset: its opset.
        largest: greatest magnitude seen of values, by name.
    """
    known = {**largest, **_rounded(model, largest)}
    floats = [node for node in model.graph.node if _has_floats(node, graph)]
    kept = _vanishing(floats, graph)
    for node in floats:
        why = why_single(node, graph, opset, known)
        if why is not None:
            kept[node.output[0]] = why
    return {**kept, **_followers(model, kept)}


def _has_floats(node: NodeProto, graph: Graph) -> bool:
    names = [name for name in (*node.input, *node.output) if name]
    return node.op_type != "Constant" and any(graph.dtype(n) == TensorProto.FLOAT for n in names)


def _rounded(model: ModelProto, largest: Mapping[str, float]) -> dict[str, float]:
    """Magnitudes of values that were rounded to INT8 and read back."""
    sources = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    return {
        node.output[0]: largest.get(sources[node.input[0]], 0.0)
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in sources
    }


def _vanishing(nodes: list[NodeProto], graph: Graph) -> dict[str, str]:
    kept: dict[str, str] = {}
    floors: dict[str, float] = {}
    for node in nodes:
        met = [floors[name] for name in node.input if name in floors]
        if node.op_type in _BY_ELEMENT:
            met += filter(None, (_vanishing_scalar(graph, name) for name in node.input))
        if not met:
            continue
        kept[node.output[0]] = _VANISHES
        onwards = _PASSES.get(node.op_type)
        floor = 0.0 if onwards is None else onwards(min(met))
        if _vanishes(floor):
            floors[node.output[0]] = floor
    return kept


def _vanishing_scalar(graph: Graph, name: str) -> float:
    """The constant of this name if it is one number that FP16 has not; otherwise 0."""
    shape = graph.shape(name)
    if shape is None or math.prod(side or 0 for side in shape) != 1:
        return 0.0
    value = graph.constant(name)
    if value is None or value.dtype != np.float32:
        return 0.0
    number = abs(float(value.ravel()[0]))
    return number if _vanishes(number) else 0.0


def _vanishes(number: float) -> bool:
    return 0.0 < number <= _LEAST_HALF / 2  # a tie goes to 0, the even one


def _followers(model: ModelProto, kept: Mapping[str, str]) -> dict[str, str]:
    """DequantizeLinear nodes whose readers all stay FP32."""
    read: dict[str, list[bool]] = {}
    for node in model.graph.node:
        for name in node.input:
            read.setdefault(name, []).append(bool(node.output) and node.output[0] in kept)
    return {
        node.output[0]: _FOLLOWS
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
        and node.output[0] not in kept
        and all(read.get(node.output[0], [False]))
    }
