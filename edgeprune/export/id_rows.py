"""Which ids a graph's inputs may hold: every Gather of a table bounds the column it is read by.

Runtimes do not look: ONNX Runtime counts a negative id from the table's end, TensorRT promises
nothing. What the graph knows is noted in the file, and checked where samples come in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edgeprune.export.onnx_graph import attributes
from edgeprune.models.inputs import InputSpec

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_SAMPLES = 2
Ids = NDArray[np.int64]


def id_rows(model: ModelProto, specs: Sequence[InputSpec] | None = None) -> dict[str, Any]:
    """What the metadata's entry `ids` holds: by input its columns' numbers of rows and names.

    Of an input whose columns are told nowhere nothing is noted. A column that no table bounds has
    0 rows: any id will do.

    Args:
        model: with fixed shapes but for the batch on axis 0.
        specs: what the network says; of two bounds the narrower one holds.
    """
    named = {spec.name: spec for spec in specs or ()}
    constants = {tensor.name for tensor in model.graph.initializer}
    found = {}
    for value in model.graph.input:
        sample = _sample_shape(value)
        if value.name in constants or value.type.tensor_type.elem_type != TensorProto.INT64:
            continue
        spec = named.get(value.name)
        told = np.array(spec.rows if spec and spec.rows else 0, np.int64)
        if sample is None or not sample:
            continue
        bounds = np.broadcast_to(told, sample[-1:]).copy()
        _narrow(bounds, _bounds(model, value.name, sample))
        if bounds.any():
            entry = {"rows": bounds.tolist()}
            found[value.name] = {**entry, "columns": list(spec.columns)} if spec else entry
    return found


def _narrow(bounds: Ids, others: Ids) -> None:
    """In place: the smaller of both, where 0 is no bound."""
    known = (others > 0) & ((bounds == 0) | (others < bounds))
    bounds[known] = others[known]


def _bounds(model: ModelProto, name: str, sample: tuple[int, ...]) -> Ids:
    """Rows per column of the last axis, 0 where no table is read by the ids as they are."""
    rows = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if tensor.dims}
    found = np.zeros(sample[-1:], np.int64)
    for node in model.graph.node:
        if (
            node.op_type == "Gather"
            and not attributes(node).get("axis", 0)
            and node.input[0] in rows
        ):
            for column in _columns(model, node.input[1], name, sample):
                _narrow(found[column : column + 1], np.array([rows[node.input[0]]]))
    return found


def _columns(model: ModelProto, value: str, name: str, sample: tuple[int, ...]) -> set[int]:
    """Columns of an input whose ids reach a value unchanged, moved about at most."""
    nodes = _ancestors(model, value, name)
    if nodes is None:
        return set()
    size = _SAMPLES * int(np.prod(sample))
    labels = np.arange(size, dtype=np.int64).reshape(_SAMPLES, *sample)
    first = _run(model, nodes, value, {name: labels})
    second = _run(model, nodes, value, {name: size - 1 - labels})
    if first is None or second is None or (first + second != size - 1).any():
        return set()
    if first.min(initial=0) < 0 or first.max(initial=0) >= size:
        return set()
    return {int(label) % sample[-1] for label in first.flat}


def _ancestors(model: ModelProto, value: str, name: str) -> list[NodeProto] | None:
    """The nodes that make a value of one input and constants; None for any other value."""
    makers = {output: node for node in model.graph.node for output in node.output}
    constants = {tensor.name for tensor in model.graph.initializer}
    waiting, needed, met = [value], set(), False
    while waiting:
        this = waiting.pop()
        if this == name or this in constants or not this:
            met |= this == name
        elif this not in makers or makers[this].op_type in ("Loop", "If", "Scan"):
            return None
        elif this not in needed:
            needed.add(this)
            waiting += makers[this].input
    chosen = [node for node in model.graph.node if needed & set(node.output)]
    return chosen if met else None


def _run(
    model: ModelProto, nodes: list[NodeProto], value: str, feed: Mapping[str, Ids]
) -> Ids | None:
    from onnx.reference import ReferenceEvaluator

    if value in feed:
        return feed[value]
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "ids",
        [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in feed],
        [helper.make_tensor_value_info(value, TensorProto.INT64, None)],
        [tensor for tensor in model.graph.initializer if tensor.name in read],
    )
    part = helper.make_model(graph, opset_imports=list(model.opset_import))
    try:
        (found,) = ReferenceEvaluator(part).run(None, dict(feed))
    except Exception:  # labels are no ids: what else is done with them may fail in any way
        return None
    return np.asarray(found, np.int64)


def _sample_shape(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    dims = value.type.tensor_type.shape.dim[1:]
    sizes = tuple(dim.dim_value for dim in dims)
    return sizes if all(sizes) else None
