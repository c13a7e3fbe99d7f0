"""How each operator that changed with opset 18 is written before it.

A rule gets a node and returns the nodes that take its place. What an older operator cannot say is
refused with the node's name; nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

from edgeprune.export.onnx_graph import Graph, attributes, like, refuse

if TYPE_CHECKING:
    from onnx import NodeProto

Rule = Callable[["NodeProto", Graph], "list[NodeProto]"]


def reduce(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """Axes are an attribute before opset 18.

    TensorRT 8.5 takes a graph with the axes as an input, ignores them and reduces everything.
    """
    given = attributes(node)
    axes: list[int] | None = given.get("axes")
    if len(node.input) > 1 and node.input[1]:
        found = graph.constant(node.input[1])
        if found is None:
            raise refuse(node, "computes the axes it reduces, which this opset cannot express")
        axes = [int(axis) for axis in found.ravel()]
    if not axes and given.get("noop_with_empty_axes"):
        return [helper.make_node("Identity", [node.input[0]], list(node.output), name=node.name)]
    return [like(node, node.input[:1], axes=axes or None, keepdims=given.get("keepdims", 1))]


def split(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """The number of parts follows from the outputs; sizes are written out where they differ."""
    given = attributes(node)
    axis = given.get("axis", 0)
    if len(node.input) > 1 and node.input[1]:
        return [like(node, node.input, axis=axis)]
    shape = graph.shape(node.input[0])
    width = None if shape is None else shape[axis]
    parts = len(node.output)
    if width is None:
        raise refuse(node, "splits an axis of unknown width")
    if width % parts == 0:
        return [like(node, node.input[:1], axis=axis)]
    each = -(-width // parts)
    sizes = np.array([each] * (parts - 1) + [width - each * (parts - 1)], dtype=np.int64)
    return [like(node, [node.input[0], graph.add(f"{node.name}_sizes", sizes)], axis=axis)]


def pad(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """Every axis is padded, most by nothing."""
    given = attributes(node)
    mode = given.get("mode", b"constant").decode()
    if mode == "wrap":
        raise refuse(node, "wraps around, which is newer than this opset")
    inputs = list(node.input)
    if len(inputs) == 4:
        axes, pads = graph.constant(inputs.pop()), graph.constant(inputs[1])
        shape = graph.shape(inputs[0])
        if axes is None or pads is None or shape is None:
            raise refuse(node, "computes what it pads, which this opset cannot express")
        rank = len(shape)
        whole = np.zeros((2, rank), dtype=np.int64)
        whole[:, axes.ravel() % rank] = pads.reshape(2, -1)
        inputs[1] = graph.add(f"{node.name}_pads", whole.ravel())
    return [like(node, inputs, mode=mode)]


def resize(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """Opset 13 scales every axis, without antialiasing."""
    given = attributes(node)
    if given.pop("antialias", 0):
        raise refuse(node, "smooths while it shrinks (antialias=True); resize without")
    if given.pop("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise refuse(node, "keeps the aspect ratio, which is newer than this opset")
    if given.get("coordinate_transformation_mode") == b"half_pixel_symmetric":
        raise refuse(node, "is symmetric about half pixels, which is newer than this opset")
    inputs, axes = list(node.input), given.pop("axes", None)
    shape = graph.shape(inputs[0])
    if axes is not None and (shape is None or len(axes) != len(shape)):
        inputs = _scales_of_all_axes(node, graph, axes)
    return [like(node, inputs, **given)]


def _scales_of_all_axes(node: NodeProto, graph: Graph, axes: list[int]) -> list[str]:
    scales = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    shape = graph.shape(node.input[0])
    if scales is None or shape is None:
        raise refuse(node, "names axes and sizes that are computed")
    whole = np.ones(len(shape), dtype=np.float32)
    whole[[axis % len(shape) for axis in axes]] = scales
    return [*node.input[:2], graph.add(f"{node.name}_scales", whole)]


def mish(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """The product of x and tanh(softplus(x)): an operator of its own since opset 18."""
    x, inner, outer = node.input[0], *(graph.fresh(f"{node.name}_{n}") for n in ("plus", "tanh"))
    return [
        helper.make_node("Softplus", [x], [inner], name=inner),
        helper.make_node("Tanh", [inner], [outer], name=outer),
        helper.make_node("Mul", [x, outer], list(node.output), name=node.name),
    ]


def layer_norm(node: NodeProto, graph: Graph) -> list[NodeProto]:
    """Mean, variance and scale one by one: TensorRT 8.5 has no layer normalisation."""
    if any(node.output[1:]):
        raise refuse(node, "puts out its mean, which cannot be written with older operators")
    given = attributes(node)
    x, scale, *bias = (name for name in node.input if name)
    shape = graph.shape(x)
    if shape is None:
        raise refuse(node, "normalises a value of unknown rank")
    axes = list(range(given.get("axis", -1) % len(shape) - len(shape), 0))
    number = helper.tensor_dtype_to_np_dtype(graph.dtype(x))
    epsilon = graph.add(f"{node.name}_epsilon", np.array(given.get("epsilon", 1e-5), dtype=number))
    made: list[NodeProto] = []

    def step(op: str, *inputs: str, to: str = "", **values: Any) -> str:
        output = to or graph.fresh(f"{node.name}_{op.lower()}")
        made.append(helper.make_node(op, list(inputs), [output], name=output, **values))
        return output

    centred = step("Sub", x, step("ReduceMean", x, axes=axes, keepdims=1))
    variance = step("ReduceMean", step("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = step("Sqrt", step("Add", variance, epsilon))
    normal = step("Div", centred, deviation)
    scaled = step("Mul", normal, scale, to="" if bias else node.output[0])
    if bias:
        step("Add", scaled, bias[0], to=node.output[0])
    return made


_REDUCTIONS = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"),
    *("ReduceMin", "ReduceProd", "ReduceSumSquare"),
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_REDUCTIONS, reduce),
    "Split": split,
    "Pad": pad,
    "Resize": resize,
    "Mish": mish,
}
