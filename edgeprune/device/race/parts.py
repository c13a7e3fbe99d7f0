"""What the layers of two profiles have in common, and profiles of several turns as one."""

from __future__ import annotations

from typing import Iterable, Mapping, Sequence

from edgeprune.device.bench.percentile import percentile
from edgeprune.device.onnx.file import OnnxNode
from edgeprune.device.onnx.modules import HEAVY, module_of
from edgeprune.device.race.race import ProfiledLayer

SPARSE_OP = "SparseConv2d"  # `device.sparse.node.OP_TYPE`, which needs numpy


def is_heavy(node: OnnxNode) -> bool:
    """Whether it multiplies by weights, so that it stands for its module."""
    return node.op in HEAVY or node.op == SPARSE_OP


def parts_of(nodes: Iterable[OnnxNode]) -> tuple[str, ...]:
    """Names that a dense network and its sparse form share.

    Nodes without weights go by their own names: many of them stand in one module, which would
    make one part of them all. A sparse node goes by both: its name is that of the last node that
    it was made from, its module that of the convolution.
    """
    found: list[str] = []
    for node in nodes:
        module = module_of(node) if is_heavy(node) else ""
        if module:
            found.append(module)
        if not module or node.op == SPARSE_OP:
            found.append(node.name)
    return tuple(dict.fromkeys(found))


def as_profile(
    times_ms: Mapping[str, float],
    nodes: Mapping[str, Sequence[str]],
    graph: Iterable[OnnxNode],
) -> tuple[ProfiledLayer, ...]:
    """A profile of layers that tell the nodes they were made from.

    Args:
        times_ms: by layer.
        nodes: names of nodes by layer.
        graph: all nodes of the file.
    """
    known = {node.name: node for node in graph}
    return tuple(
        ProfiledLayer(name, ms, parts_of(known[one] for one in nodes[name] if one in known))
        for name, ms in times_ms.items()
    )


def medians(turns: Sequence[Sequence[ProfiledLayer]]) -> tuple[ProfiledLayer, ...]:
    """One profile of several turns of one network: of each layer the median of its medians."""
    times_ms: dict[ProfiledLayer, list[float]] = {}
    for turn in turns:
        for layer in turn:
            key = ProfiledLayer(layer.name, 0.0, layer.parts)
            times_ms.setdefault(key, []).append(layer.p50_ms)
    return tuple(
        ProfiledLayer(key.name, percentile(sorted(times), 50), key.parts)
        for key, times in times_ms.items()
    )
