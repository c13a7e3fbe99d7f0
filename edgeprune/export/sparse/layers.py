"""The convolutions of a graph, with what follows each and could be computed along with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import shape_inference

from edgeprune.export.node_modules import module_path
from edgeprune.export.onnx_graph import Graph, attributes
from edgeprune.export.sparse.packing import density

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_FLOATS = (np.dtype(np.float32), np.dtype(np.float16))


@dataclass(frozen=True)
class ConvLayer:
    """A convolution.

    Attributes:
        conv: its node.
        weight: (O, C / group, KH, KW); None where it is not a constant of floating point.
        bias: (O,); None without one.
        obstacle: why it cannot become sparse; empty where it can.
        add: the addition that reads nothing else but its residual; None without one.
        residual: the other operand of `add`.
        end: Relu or Clip after all of it; None without one.
        limits: what a Clip keeps values between.
    """

    conv: NodeProto
    weight: NDArray[Any] | None
    bias: NDArray[Any] | None
    obstacle: str
    add: NodeProto | None = None
    residual: str = ""
    end: NodeProto | None = None
    limits: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """PyTorch module, or the node's name where the graph does not tell."""
        return module_path(self.conv) or self.conv.name

    @property
    def density(self) -> float | None:
        """Share of the weights that are not zero."""
        return None if self.weight is None else density(self.weight)

    @property
    def group(self) -> int:
        """Groups of the convolution."""
        return int(attributes(self.conv).get("group", 1))

    @property
    def nodes(self) -> list[NodeProto]:
        """All that becomes one node, in their order."""
        return [node for node in (self.conv, self.add, self.end) if node is not None]


def find_layers(model: ModelProto) -> list[ConvLayer]:
    """Every Conv of a graph alone, in the graph's order."""
    graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
    return [_layer(node, graph) for node in model.graph.node if node.op_type == "Conv"]


def with_followers(model: ModelProto, layers: Sequence[ConvLayer]) -> list[ConvLayer]:
    """The layers with the addition and the activation after each that can be computed along.

    That is so where nothing else reads what is in between. No node goes to two layers: of two
    convolutions that are added the one with the larger kernel takes the addition, since the other
    is the shortcut's as a rule.

    Args:
        model: the graph that the layers are of.
    """
    finder = _Finder(model)
    found: dict[str, ConvLayer] = {}
    taken: set[str] = set()
    for layer in sorted(layers, key=lambda layer: -_kernel_area(layer)):
        extended = finder.extended(layer, taken)
        taken |= {node.output[0] for node in extended.nodes}
        found[layer.conv.output[0]] = extended
    return [found[layer.conv.output[0]] for layer in layers]


class _Finder:
    def __init__(self, model: ModelProto) -> None:
        self._graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
        self._ends = {value.name for value in model.graph.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def extended(self, layer: ConvLayer, taken: set[str]) -> ConvLayer:
        add = self._only_reader(layer.conv.output[0], taken)
        if add is not None and add.op_type == "Add":
            residual = self._residual(layer.conv.output[0], add)
            if residual:
                layer = replace(layer, add=add, residual=residual)
        end = self._only_reader(layer.nodes[-1].output[0], taken)
        if end is not None and end.op_type == "Relu":
            return replace(layer, end=end)
        limits = self._limits(end) if end is not None and end.op_type == "Clip" else None
        return layer if limits is None else replace(layer, end=end, limits=limits)

    def _only_reader(self, name: str, taken: set[str]) -> NodeProto | None:
        readers = self._readers.get(name, [])
        if name in self._ends or len(readers) != 1 or readers[0].output[0] in taken:
            return None
        return readers[0]

    def _residual(self, own: str, add: NodeProto) -> str:
        """The other operand, where nothing is broadcast."""
        others = [name for name in add.input if name != own]
        if len(others) != 1 or self._graph.constant(others[0]) is not None:
            return ""
        a, b = self._graph.shape(own), self._graph.shape(others[0])
        alike = a is not None and a == b and len(a) == 4 and None not in a[1:]
        return others[0] if alike else ""

    def _limits(self, clip: NodeProto) -> tuple[float, float] | None:
        limits = [-np.inf, np.inf]
        for place, name in enumerate(clip.input[1:3]):
            value = self._graph.constant(name) if name else None
            if name and value is None:
                return None
            if value is not None:
                limits[place] = float(value.ravel()[0])
        return limits[0], limits[1]


def _layer(conv: NodeProto, graph: Graph) -> ConvLayer:
    weight = graph.constant(conv.input[1])
    has_bias = len(conv.input) > 2 and bool(conv.input[2])
    bias = graph.constant(conv.input[2]) if has_bias else None
    if weight is not None and weight.dtype not in _FLOATS:
        weight = None
    return ConvLayer(conv, weight, bias, _obstacle(conv, weight, has_bias and bias is None))


def _obstacle(conv: NodeProto, weight: NDArray[Any] | None, computed_bias: bool) -> str:
    if weight is None:
        return "its weight is INT8 or computed; the sparse kernels are of FP32 and FP16"
    if weight.ndim != 4:
        return f"it has {weight.ndim - 2} spatial axes; the sparse kernels have 2"
    if computed_bias:
        return "its bias is computed"
    if attributes(conv).get("auto_pad", b"NOTSET") != b"NOTSET":
        return "its padding depends on the input's size"
    if not np.isfinite(weight).all():
        return "its weight is not finite"
    return ""


def _kernel_area(layer: ConvLayer) -> int:
    return 0 if layer.weight is None else int(np.prod(layer.weight.shape[2:]))
