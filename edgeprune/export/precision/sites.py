"""Where INT8 goes in a graph: weighted layers, and the skip branches of residual additions.

Activations are quantised where a weighted layer reads them, never where they are written: TensorRT
moves a pair of QuantizeLinear and DequantizeLinear up through ReLU, pooling and concatenation, and
then has one scale for all of them. Of a residual addition the branch that does not come from a
convolution is quantised, so that the addition becomes a part of that convolution's kernel. What
stays out is the layer that reads the input and the one that gives the output (most of the damage,
little of the time), products of two activations, and weights that are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onnx import TensorProto, shape_inference

from edgeprune.export.node_modules import HEAVY, module_path
from edgeprune.export.onnx_graph import Graph, attributes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_SIZES = frozenset({"Shape", "Size"})  # what they give does not depend on the values they read


@dataclass(frozen=True)
class Site:
    """One place that may become INT8, as a whole.

    Attributes:
        node: name of the layer's or the addition's node.
        module: path of the PyTorch module; empty where the graph does not tell.
        kind: `layer`, or `residual` for the skip branch of an addition.
        value: the activation that is quantised.
        edge: which input of the node that is.
        weight: the initializer that is quantised; None for an addition.
        axis: the weight's axis of output channels.
        extends: the site whose convolution takes the addition in; without it there is no gain.
    """

    node: str
    module: str
    kind: Literal["layer", "residual"]
    value: str
    edge: int
    weight: str | None = None
    axis: int = 0
    extends: str | None = None

    @property
    def label(self) -> str:
        """For people."""
        name = self.module or self.node
        return f"skip branch at {name}" if self.kind == "residual" else name


@dataclass(frozen=True)
class Sites:
    """All places of a graph.

    Attributes:
        found: in the order of the graph.
        left: weighted layers that stay as they are, by label, with the reason.
    """

    found: tuple[Site, ...]
    left: dict[str, str] = field(default_factory=dict)

    def closed(self, chosen: Iterable[str]) -> frozenset[str]:
        """Of the nodes chosen, those whose site does not extend one that is not."""
        names = set(chosen)
        return frozenset(
            site.node
            for site in self.found
            if site.node in names and (site.extends is None or site.extends in names)
        )


def find_sites(model: ModelProto, *, ends: bool = False) -> Sites:
    """The places of a graph that may become INT8.

    Args:
        model: a valid graph of FP32.
        ends: the layers that read the input or give the output too.
    """
    reader = _Reader(model)
    first, last = reader.first(), reader.last()
    found: list[Site] = []
    left: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type not in HEAVY:
            continue
        why = reader.why_not(node)
        if why is None and not ends:
            why = "reads the input" if node.name in first else None
            why = why or ("gives the output" if node.name in last else None)
        if why is None:
            found.append(reader.layer(node))
        else:
            left[module_path(node) or node.name] = why
    residuals = [reader.residual(node, found) for node in model.graph.node if node.op_type == "Add"]
    return Sites((*found, *(site for site in residuals if site is not None)), left)


class _Reader:
    """A graph, asked about single nodes."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._graph = Graph(shape_inference.infer_shapes(model, data_prop=True))
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._initializers = {tensor.name for tensor in model.graph.initializer}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def first(self) -> set[str]:
        """Weighted nodes with no other between the graph's input and them."""
        start = [value.name for value in self._model.graph.input]
        return self._reach(start, self._readers, forwards=True)

    def last(self) -> set[str]:
        """Weighted nodes with no other between them and an output."""
        start = [value.name for value in self._model.graph.output]
        makers = {name: [node] for name, node in self._makers.items()}
        return self._reach(start, makers, forwards=False)

    def _reach(
        self, start: list[str], beside: Mapping[str, list[NodeProto]], *, forwards: bool
    ) -> set[str]:
        waiting, seen, met = list(start), set(start), set()
        while waiting:
            for node in beside.get(waiting.pop(), []):
                if node.op_type in HEAVY and self._has_weight(node):
                    met.add(node.name)
                elif node.op_type not in _SIZES:
                    names = node.output if forwards else node.input
                    fresh = [name for name in names if name not in seen]
                    seen.update(fresh)
                    waiting += fresh
        return met

    def _has_weight(self, node: NodeProto) -> bool:
        return node.input[1] in self._initializers

    def why_not(self, node: NodeProto) -> str | None:
        """Why a weighted node cannot become INT8."""
        if not self._has_weight(node):
            return "multiplies two activations, or computes its weight"
        if node.input[0] in self._initializers:
            return "reads a constant"
        if self._graph.dtype(node.input[1]) != TensorProto.FLOAT:
            return "has weights that are not FP32"
        given = attributes(node)
        if node.op_type == "ConvTranspose" and given.get("group", 1) != 1:
            return "is a transposed convolution in groups, whose channels share no axis"
        if node.op_type == "Gemm" and given.get("transA", 0):
            return "reads its input transposed"
        if node.op_type in ("MatMul", "Gemm") and len(self._graph.shape(node.input[1]) or []) != 2:
            return "has a weight that is no matrix"
        return None

    def layer(self, node: NodeProto) -> Site:
        """The site of a weighted node."""
        transposed = node.op_type == "Gemm" and attributes(node).get("transB", 0)
        axis = 0 if node.op_type == "Conv" or transposed else 1
        return Site(node.name, module_path(node), "layer", node.input[0], 0, node.input[1], axis)

    def residual(self, node: NodeProto, layers: list[Site]) -> Site | None:
        """The site of an addition whose one side is a quantised convolution's alone."""
        if any(name in self._initializers or name not in self._makers for name in node.input):
            return None
        names = {site.node for site in layers}
        sides = [number for number in (0, 1) if self._is_own(node.input[number], names)]
        if not sides:
            return None
        # Of two convolutions the shortcut's, a 1x1 one as a rule, is the branch.
        conv = max(sides, key=lambda number: self._kernel_area(self._makers[node.input[number]]))
        maker = self._makers[node.input[conv]]
        edge = 1 - conv
        return Site(
            node.name, module_path(maker), "residual", node.input[edge], edge, extends=maker.name
        )

    def _is_own(self, name: str, quantised: set[str]) -> bool:
        maker = self._makers[name]
        alone = len(self._readers[name]) == 1
        return maker.op_type == "Conv" and maker.name in quantised and alone

    def _kernel_area(self, conv: NodeProto) -> int:
        area = 1
        for side in (self._graph.shape(conv.input[1]) or [])[2:]:
            area *= side or 1
        return area
