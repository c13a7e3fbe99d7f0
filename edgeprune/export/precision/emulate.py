"""A graph of FP16 as ONNX Runtime's CPU must run it to show what FP16 does.

That runtime has no FP16 convolutions on most CPUs: it takes the casts out and computes in FP32
throughout, so that its results hide overflow and most of the rounding. Here every FP16 value
becomes an FP32 one that is rounded, by arithmetic that no optimiser removes, to what FP16 holds.
Sums inside one operator stay FP32, as they are on tensor cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import FunctionProto, TensorProto, helper, numpy_helper, shape_inference

from edgeprune.export.onnx_graph import Graph, opset_of
from edgeprune.export.precision.delicate import FP16_MAX

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_DOMAIN, _ROUND = "edgeprune", "RoundToHalf"
_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_SPLITTER = 2.0**13 + 1  # keeps 11 of FP32's 24 bits (Veltkamp 1968)
_LEAST_NORMAL = 2.0**-14
# At 0.75 FP32's steps are 2^-24, those of FP16 below its least normal number.
_ANCHOR = 0.75
_FIRST_INFINITE = FP16_MAX + 16


def is_half(model: ModelProto) -> bool:
    """Whether a graph holds FP16 weights; those of sparse convolutions are in their nodes."""
    in_nodes = (a.t for node in model.graph.node if node.domain for a in node.attribute)
    return any(t.data_type == _HALF for t in (*model.graph.initializer, *in_nodes))


def emulated(model: ModelProto) -> ModelProto:
    """A graph of FP32 with the values of one of FP16.

    Args:
        model: a valid graph; one without FP16 comes back as it is.
    """
    if not is_half(model):
        return model
    graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.initializer[:], made.graph.value_info[:]
    for node in model.graph.node:
        made.graph.node.extend(_rounding(node, graph))
    made.graph.initializer.extend(_widened(tensor) for tensor in model.graph.initializer)
    made.functions.append(_round_to_half(opset_of(model)))
    if all(entry.domain != _DOMAIN for entry in made.opset_import):
        made.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    return made


def _rounding(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """The node in FP32, and what rounds its results."""
    wide = onnx.NodeProto()
    wide.CopyFrom(node)
    for attribute in wide.attribute:
        if attribute.name in ("to", "dtype") and attribute.i == _HALF:
            attribute.i = _FLOAT
        elif attribute.t.data_type == _HALF:
            attribute.t.CopyFrom(_widened(attribute.t))
    after = []
    for number, name in enumerate(node.output):
        if name and graph.dtype(name) == _HALF:
            wide.output[number] = exact = graph.fresh(f"{name}_exact")
            after.append(helper.make_node(_ROUND, [exact], [name], domain=_DOMAIN))
    return [wide, *after]


def _widened(tensor: TensorProto) -> TensorProto:
    if tensor.data_type != _HALF:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)


def _round_to_half(opset: int) -> FunctionProto:
    """To the nearest FP16 number, ties to even; infinite beyond the largest."""
    constants = {
        "splitter": _SPLITTER,
        "normal": _LEAST_NORMAL,
        "anchor": _ANCHOR,
        "infinite": _FIRST_INFINITE,
        "most": 2 * FP16_MAX,
        "least": -2 * FP16_MAX,
        "infinity": np.inf,
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.float32(value)))
        for name, value in constants.items()
    ]
    steps = [
        ("Max", ["x", "least"], "not_less"), ("Min", ["not_less", "most"], "within"),
        ("Abs", ["within"], "magnitude"),
        ("Mul", ["within", "splitter"], "scaled"), ("Sub", ["scaled", "within"], "rest"),
        ("Sub", ["scaled", "rest"], "rounded"),
        ("Add", ["within", "anchor"], "anchored"), ("Sub", ["anchored", "anchor"], "subnormal"),
        ("Less", ["magnitude", "normal"], "is_small"),
        ("Where", ["is_small", "subnormal", "rounded"], "finite"),
        ("Mul", ["within", "infinity"], "endless"),
        ("Less", ["magnitude", "infinite"], "is_finite"),
        ("Where", ["is_finite", "finite", "endless"], "y"),
    ]  # fmt: skip
    nodes += [helper.make_node(op, inputs, [output]) for op, inputs, output in steps]
    return helper.make_function(
        _DOMAIN, _ROUND, ["x"], ["y"], nodes, [helper.make_opsetid("", opset)]
    )
