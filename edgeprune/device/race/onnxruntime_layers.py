"""Which nodes of a file each node of ONNX Runtime's optimised graph was made from.

ONNX Runtime keeps no record of what it fuses. But a node of its own is called after the node, or
after the value, that it was made from; and a node that is gone runs where the last of the values
that it reads is made.
"""

from __future__ import annotations

from typing import Collection, Mapping, Sequence

from edgeprune.device.onnx.file import OnnxNode
from edgeprune.device.race.parts import is_heavy, parts_of
from edgeprune.device.race.race import ProfiledLayer

_LAYOUT, _NORM = "_nchwc", "_bn"  # a blocked layout; a batch norm as a convolution per channel
_FUSED = ("Conv", "Gemm", "MatMul")


class FusedGraph:
    """A file's nodes by the optimised nodes that run them.

    Args:
        nodes: of the file, in its order.
        timed: name and operator of the optimised nodes, in the order that they ran in.
    """

    def __init__(self, nodes: Sequence[OnnxNode], timed: Sequence[tuple[str, str]]) -> None:
        self._nodes = nodes
        self._by_name = {node.name: node for node in nodes}
        self._makers = {value: node for node in nodes for value in node.outputs if value}
        self._rank = {name: rank for rank, (name, _) in enumerate(timed)}
        self._group: dict[str, str] = {}  # node to optimised node
        anchors = {name: node for name, _ in timed for node in [self._anchor(name)] if node}
        for name, node in anchors.items():
            self._group[node.name] = name
        for name, op in timed:
            if name in anchors and any(word in op for word in _FUSED):
                self._take_multiplication(name, anchors[name])
        for node in nodes:
            self._join_the_latest(node)

    def nodes_of(self, name: str) -> list[OnnxNode]:
        """Those that an optimised node runs; none for one that ONNX Runtime added."""
        return [node for node in self._nodes if self._group.get(node.name) == name]

    def _anchor(self, name: str) -> OnnxNode | None:
        name = _without(_without(name, _LAYOUT), _NORM)
        return self._by_name.get(name) or self._makers.get(name)

    def _take_multiplication(self, name: str, anchor: OnnxNode) -> None:
        """The nearest one before the anchor that nobody else runs, unless it is a batch norm."""
        if is_heavy(anchor) or _without(name, _LAYOUT).endswith(_NORM):
            return
        waiting, seen = [anchor], {anchor.name}
        while waiting:
            node = waiting.pop(0)
            if is_heavy(node):
                if node.name not in self._group:
                    self._group[node.name] = name
                    return
                continue
            before = [self._makers[value] for value in node.inputs if value in self._makers]
            waiting += [one for one in before if one.name not in seen]
            seen.update(one.name for one in before)

    def _join_the_latest(self, node: OnnxNode) -> None:
        if node.name in self._group or is_heavy(node):
            return
        before = [self._makers[value] for value in node.inputs if value in self._makers]
        groups = [self._group[one.name] for one in before if one.name in self._group]
        if groups:
            self._group[node.name] = max(groups, key=lambda name: self._rank[name])


def _without(name: str, suffix: str) -> str:
    return name[: -len(suffix)] if name.endswith(suffix) else name


def profiled(
    nodes: Sequence[OnnxNode],
    optimised: Sequence[OnnxNode],
    times_ms: Mapping[tuple[str, str], float],
    raced: Collection[str],
) -> tuple[ProfiledLayer, ...]:
    """The layers of a profile.

    A node that ONNX Runtime added, as between layouts or types, is for a raced layer that it stands
    beside, the one that reads from it first, else for whatever reads from it.

    Args:
        nodes: of the file.
        optimised: of ONNX Runtime's graph.
        times_ms: by name and operator, in the order that they ran in.
        raced: modules whose layers race.
    """
    fused = FusedGraph(nodes, list(times_ms))
    parts = {name: parts_of(fused.nodes_of(name)) for name, _ in times_ms}
    beside = _Neighbours(optimised, {name for name, found in parts.items() if found})
    layers = []
    for (name, op), ms in times_ms.items():
        told = name
        if not parts[name]:
            near = beside.of(name)
            ours = [one for one in near if set(raced).intersection(parts[one])]
            told = " ".join([op, name, *(["for", (ours or near)[0]] if near else [])])
        layers.append(ProfiledLayer(told, ms, parts[name]))
    return tuple(layers)


class _Neighbours:
    """Who reads from a node that was added, and who writes to it."""

    def __init__(self, graph: Sequence[OnnxNode], known: Collection[str]) -> None:
        self._known = known
        self._nodes = {node.name: node for node in graph}
        self._makers = {value: node for node in graph for value in node.outputs if value}
        self._readers: dict[str, list[OnnxNode]] = {}
        for node in graph:
            for value in node.inputs:
                self._readers.setdefault(value, []).append(node)

    def of(self, name: str) -> list[str]:
        """Names of the nearest ones that were not added: those that read, then those that write."""
        if name not in self._nodes:
            return []
        return [*self._along(name, forward=True), *self._along(name, forward=False)]

    def _along(self, name: str, *, forward: bool) -> list[str]:
        found: list[str] = []
        waiting, seen = [self._nodes[name]], {name}
        while waiting:
            for node in self._next(waiting.pop(0), forward):
                if node.name in seen:
                    continue
                seen.add(node.name)
                if node.name in self._known:
                    found.append(node.name)
                else:
                    waiting.append(node)
        return found

    def _next(self, node: OnnxNode, forward: bool) -> list[OnnxNode]:
        if forward:
            return [one for value in node.outputs for one in self._readers.get(value, [])]
        return [self._makers[value] for value in node.inputs if value in self._makers]
