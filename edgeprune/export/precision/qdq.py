"""Writes QuantizeLinear and DequantizeLinear into a graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from edgeprune.export.onnx_graph import Graph, drop_unread
from edgeprune.export.precision.integers import activation_scale, quantise_weight
from edgeprune.export.precision.sites import Site, Sites

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Takes a site, the name of the value as it was and of the rounded one; returns the name that is
# read, and the nodes that make it.
Joint = Callable[[Site, str, str], "tuple[str, list[NodeProto]]"]


def write_qdq(
    model: ModelProto,
    sites: Sites,
    chosen: Collection[str],
    thresholds: Mapping[str, float],
    *,
    half_scales: bool = False,
    integer_weights: bool = True,
    joint: Joint | None = None,
) -> ModelProto:
    """The graph with the chosen sites in INT8, symmetric, weights per output channel.

    Args:
        model: a valid graph of FP32; not changed.
        chosen: nodes of the sites.
        thresholds: by value, the magnitude that becomes 127.
        half_scales: scales that FP16 holds exactly.
        integer_weights: store weights as INT8; False keeps FP32 weights and quantises them in the
            graph, as TensorRT 8 wants it.
        joint: decides what a site reads; default: the rounded values.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    writer = _Writer(made, thresholds, half_scales, integer_weights)
    by_node = {site.node: site for site in sites.found if site.node in chosen}
    nodes: list[NodeProto] = []
    for node in made.graph.node:
        site = by_node.get(node.name)
        if site is not None:
            nodes += writer.pairs(site, node, joint)
        nodes.append(node)
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(writer.graph.added)
    drop_unread(made)
    return made


class _Writer:
    def __init__(
        self,
        model: ModelProto,
        thresholds: Mapping[str, float],
        half_scales: bool,
        integer_weights: bool,
    ) -> None:
        self.graph = Graph(model)
        self._thresholds = thresholds
        self._half, self._integer_weights = half_scales, integer_weights
        self._rounded: dict[tuple[str, int | None], str] = {}  # by name and axis of the scales
        self._zeros: dict[int, str] = {}

    def pairs(self, site: Site, node: NodeProto, joint: Joint | None) -> list[NodeProto]:
        """The nodes that a site's node reads from now on; its inputs are set."""
        edges = [(site.edge, self._activation)]
        if site.weight is not None:
            edges.append((1, self._weight))
        made: list[NodeProto] = []
        for number, round_value in edges:
            before = node.input[number]
            rounded, nodes = round_value(site, before)
            made += nodes
            if joint is not None:
                rounded, nodes = joint(site, before, rounded)
                made += nodes
            node.input[number] = rounded
        return made

    def _activation(self, site: Site, name: str) -> tuple[str, list[NodeProto]]:
        if (name, None) in self._rounded:
            return self._rounded[name, None], []
        scale = activation_scale(self._thresholds[name], half_scales=self._half)
        steps = [self._add(f"{name}_scale", np.array(scale, dtype=np.float32)), self._zero(0)]
        return self._pair(name, steps, None)

    def _weight(self, site: Site, name: str) -> tuple[str, list[NodeProto]]:
        if (name, site.axis) in self._rounded:
            return self._rounded[name, site.axis], []
        weight = self.graph.constant(name)
        assert weight is not None
        integers = quantise_weight(weight, site.axis, half_scales=self._half)
        steps = [self._add(f"{name}_scale", integers.scales), self._zero(len(integers.scales))]
        if not self._integer_weights:
            return self._pair(name, steps, site.axis)
        stored = self._add(f"{name}_int8", integers.values)
        return self._dequantised(name, [stored, *steps], site.axis, [])

    def _pair(self, name: str, steps: list[str], axis: int | None) -> tuple[str, list[NodeProto]]:
        middle = self.graph.fresh(f"{name}_int8")
        quantise = _node("QuantizeLinear", [name, *steps], middle, axis)
        return self._dequantised(name, [middle, *steps], axis, [quantise])

    def _dequantised(
        self, name: str, inputs: list[str], axis: int | None, before: list[NodeProto]
    ) -> tuple[str, list[NodeProto]]:
        made = self._rounded[name, axis] = self.graph.fresh(f"{name}_rounded")
        return made, [*before, _node("DequantizeLinear", inputs, made, axis)]

    def _zero(self, channels: int) -> str:
        """Zero points, always 0: without them QuantizeLinear would mean UINT8."""
        if channels not in self._zeros:
            value = np.zeros(channels, np.int8) if channels else np.array(0, np.int8)
            self._zeros[channels] = self._add("zero_point", value)
        return self._zeros[channels]

    def _add(self, near: str, value: np.ndarray) -> str:
        return self.graph.add(near, value)


def _node(op: str, inputs: list[str], made: str, axis: int | None) -> NodeProto:
    node = helper.make_node(op, inputs, [made], name=f"{op}_{made}")
    if axis is not None:
        node.attribute.append(helper.make_attribute("axis", axis))
    return node
