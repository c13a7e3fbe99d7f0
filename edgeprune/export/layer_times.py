"""Which layers of a PyTorch network an exported file spends its time in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime_profile import NodeTime, profile_nodes
from edgeprune.device.sparse.node import OP_TYPE
from edgeprune.errors import EdgepruneError, UnsupportedError
from edgeprune.export.node_modules import HEAVY, module_path

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

# Fused nodes carry the name of their last value; their time is that of the multiplication inside.
_HEAVY_FUSED = ("Conv", "Gemm", "MatMul")
_MULTIPLICATIONS = HEAVY | {OP_TYPE}
_LAYOUT_SUFFIX = "_nchwc"
_NORM_SUFFIX = "_bn"  # a batch norm that ONNX Runtime turned into a convolution per channel


@dataclass(frozen=True)
class LayerTime:
    """Time of the nodes that come from one module.

    Attributes:
        name: module path in the PyTorch network, or the operator's name for nodes that ONNX
            Runtime added.
        p50_ms: sum of the nodes' medians.
        share: of the sum over all layers, 0 to 1.
    """

    name: str
    p50_ms: float
    share: float


def layer_times(
    path: str | os.PathLike[str],
    feed: Mapping[str, NDArray[np.generic]],
    *,
    repeats: int = 30,
    threads: int | None = None,
) -> tuple[LayerTime, ...]:
    """Profile an exported file in ONNX Runtime; the slowest layer first.

    Args:
        path: a file that `export_onnx` wrote.
        feed: inputs by name, batch on axis 0.

    Raises:
        UnsupportedError: ONNX Runtime is not installed.
        EdgepruneError: the file cannot be run on these inputs.
    """
    import onnx

    try:
        nodes = profile_nodes(path, feed, repeats=repeats, threads=threads)
    except DeviceUnsupportedError as failure:
        raise UnsupportedError(str(failure)) from failure
    except DeviceError as failure:
        raise EdgepruneError(str(failure)) from failure
    modules = _Modules(onnx.load(os.fspath(path)).graph)
    times_ms: dict[str, float] = {}
    for node in nodes:
        name = modules.of(node)
        times_ms[name] = times_ms.get(name, 0.0) + node.p50_ms
    total = sum(times_ms.values()) or 1.0
    slowest = sorted(times_ms.items(), key=lambda item: -item[1])
    return tuple(LayerTime(name, time_ms, time_ms / total) for name, time_ms in slowest)


class _Modules:
    """Finds the module a node of the optimised graph belongs to."""

    def __init__(self, graph: GraphProto) -> None:
        self._by_name = {node.name: node for node in graph.node}
        self._producers = {output: node for node in graph.node for output in node.output}

    def of(self, timed: NodeTime) -> str:
        name = timed.name.removesuffix(_LAYOUT_SUFFIX)
        is_norm = name.endswith(_NORM_SUFFIX)
        name = name.removesuffix(_NORM_SUFFIX)
        node = self._by_name.get(name) or self._producers.get(name)
        if node is not None and not is_norm and any(word in timed.op for word in _HEAVY_FUSED):
            node = self._multiplication_before(node)
        return (module_path(node) if node is not None else "") or timed.op

    def _multiplication_before(self, node: NodeProto) -> NodeProto:
        """The nearest convolution or matrix product at or before `node`; else `node` itself."""
        waiting = [node]
        seen: set[str] = set()
        while waiting:
            candidate = waiting.pop(0)
            if candidate.op_type in _MULTIPLICATIONS:
                return candidate
            for value in candidate.input:
                if value in self._producers and value not in seen:
                    seen.add(value)
                    waiting.append(self._producers[value])
        return node
