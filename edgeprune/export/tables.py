"""Tables of a graph in fewer bytes: INT8 with a scale for each row, or FP16; the rest stays.

A sample reads a handful of rows of a table, so that a table costs memory and bytes and no time to
multiply: only its weights are quantised, never what is computed with them. ONNX Runtime gathers
INT8 rows and their scales, and multiplies. TensorRT takes INT8 constants nowhere but before a
DequantizeLinear, so there that stands between table and Gather; its builder keeps the rows INT8 in
the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference

from edgeprune.atomic import write_bytes_atomic
from edgeprune.device.targets import Target
from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.metadata import metadata_of, write_metadata
from edgeprune.export.noise import finite_db
from edgeprune.export.onnx_graph import Graph, attributes, drop_unread, like, opset_of
from edgeprune.export.precision.convert import checked, is_strongly_typed
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.fallback import worst_noise_db
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.survey import Feed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

TableType = Literal["fp32", "fp16", "int8"]
_FLOATS = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16}
_ROW_SCALES_SINCE = 13  # opset
_HALF_SCALES_SINCE = 19
_STEPS = 127.0


@dataclass(frozen=True)
class TableChange:
    """One table.

    Attributes:
        table: name of its weight.
        rows: that it has.
        dims: of a row.
        bytes_before: of the weight.
        bytes: of what is in its place, scales with it.
        max_abs_error: of any element.
    """

    table: str
    rows: int
    dims: int
    bytes_before: int
    bytes: int
    max_abs_error: float


@dataclass(frozen=True)
class TablesReport:
    """What became of a graph's tables.

    Attributes:
        type: `int8` or `fp16`.
        form: how the graph says it.
        tables: that changed.
        left: those that did not, with the reason.
        max_abs_error: of the graph's outputs against those before.
        noise_db: their signal-to-noise ratio, within ±200; of the worst output.
    """

    type: TableType
    form: str
    tables: tuple[TableChange, ...]
    left: dict[str, str] = field(default_factory=dict)
    max_abs_error: float = 0.0
    noise_db: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        before, after = (sum(getattr(t, name) for t in self.tables) for name in _SIZES)
        told = [
            f"{len(self.tables)} tables in {self.type} ({self.form}): {before / 1e3:,.1f} kB are "
            f"now {after / 1e3:,.1f} kB; outputs at most {self.max_abs_error:.1e} from before, "
            f"{self.noise_db:.0f} dB"
        ]
        return told + [f"{table} stays: it {why}" for table, why in self.left.items()]


_SIZES = ("bytes_before", "bytes")


def require_table_type(name: str) -> TableType:
    """The type of this name.

    Raises:
        UserInputError: there is none.
    """
    for known in get_args(TableType):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UserInputError(f"--tables {name}: use {', '.join(get_args(TableType))}")


def apply_tables(
    path: Path, kind: TableType, target: Target, feeds: Sequence[Feed]
) -> TablesReport:
    """Rewrite a file, in one step, and measure what that did.

    Args:
        path: a graph for the target, in any precision.
        kind: `int8` or `fp16`.
        target: decides the form.
        feeds: inputs to compare both graphs on.

    Raises:
        UserInputError: the graph has no table.
        UnsupportedError: this target does not take INT8 tables.
    """
    model = onnx.load(path)
    _require_form(model, kind, target)
    made, changes, left = _rewritten(model, kind, rows_first=target.name == "cpu")
    if not changes:
        why = "; ".join(f"{table} {reason}" for table, reason in left.items())
        raise UserInputError(
            f"--tables {kind}: there is no table to change{f' ({why})' if why else ''}; leave the "
            "option out"
        )
    drop_unread(made)
    known = metadata_of(made, path) or {}
    known.pop("edgeprune_version", None)
    write_metadata(made, {**known, "tables": kind})
    checked(made, "int8" if kind == "int8" else "fp16")
    error, noise = _measured(model, made, feeds)
    write_bytes_atomic(path, made.SerializeToString())
    form = _form(kind, target)
    return TablesReport(kind, form, tuple(changes), left, error, noise)


def _form(kind: TableType, target: Target) -> str:
    if kind == "fp16":
        return "Gather, then Cast"
    rows_first = target.name == "cpu"
    return "Gather of rows and scales" if rows_first else "DequantizeLinear, then Gather"


def _require_form(model: ModelProto, kind: TableType, target: Target) -> None:
    if kind != "int8" or target.name == "cpu":
        return
    if not is_strongly_typed(target):
        raise UnsupportedError(
            f"--tables int8: {target.label} is not known to gather rows of INT8; use --tables fp16"
        )
    if opset_of(model) < _HALF_SCALES_SINCE:
        raise UnsupportedError(
            f"--opset {opset_of(model)}: INT8 tables for {target.label} need "
            f"{_HALF_SCALES_SINCE} or later"
        )


def _rewritten(
    model: ModelProto, kind: TableType, *, rows_first: bool
) -> tuple[ModelProto, list[TableChange], dict[str, str]]:
    """The graph with its tables changed; the model is not."""
    graph = Graph(shape_inference.infer_shapes(model))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    tables = {n.input[0] for n in model.graph.node if _reads_rows(n, weights)}
    left = {
        node.input[at]: f"is also read by {node.op_type} '{node.name}'"
        for node in model.graph.node
        for at, name in enumerate(node.input)
        if name in tables and not (at == 0 and _reads_rows(node, weights))
    }
    writer = _Writer(graph, kind, rows_first)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        changes = (
            node.input and node.input[0] in tables - left.keys() and _reads_rows(node, weights)
        )
        nodes += writer.lookup(node, weights[node.input[0]]) if changes else [node]
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    made.graph.node.extend([*writer.dequantized, *nodes])
    made.graph.initializer.extend(graph.added)
    return made, writer.changes, left


def _reads_rows(node: NodeProto, weights: dict[str, TensorProto]) -> bool:
    """Whether a node gathers rows of a constant matrix of floats by computed ids."""
    if node.op_type != "Gather" or attributes(node).get("axis", 0) != 0:
        return False
    table = weights.get(node.input[0])
    return (
        table is not None
        and table.data_type in _FLOATS
        and len(table.dims) == 2
        and node.input[1] not in weights
    )


class _Writer:
    """Makes the nodes of lookups, and the constants that they share."""

    def __init__(self, graph: Graph, kind: TableType, rows_first: bool) -> None:
        self._graph, self._kind, self._rows_first = graph, kind, rows_first
        self._made: dict[str, tuple[str, ...]] = {}
        self.dequantized: list[NodeProto] = []
        self.changes: list[TableChange] = []

    def lookup(self, node: NodeProto, table: TensorProto) -> Iterator[NodeProto]:
        """The nodes in place of a Gather; the last gives the same value."""
        out, ids = node.output[0], node.input[1]
        if table.name not in self._made:
            self._made[table.name] = self._constants(table)
        names = self._made[table.name]
        if len(names) == 1 and self._kind == "int8":
            yield like(node, [names[0], ids], axis=0)
            return
        rows, wide = self._graph.fresh(f"{out}_rows"), out
        yield helper.make_node("Gather", [names[0], ids], [rows], name=rows, axis=0)
        if len(names) == 2:
            wide, scales = self._graph.fresh(f"{out}_wide"), self._graph.fresh(f"{out}_scales")
            yield helper.make_node("Gather", [names[1], ids], [scales], name=scales, axis=0)
        yield helper.make_node("Cast", [rows], [wide], name=f"{wide}_cast", to=table.data_type)
        if len(names) == 2:
            last = helper.make_node("Mul", [wide, scales], [out], name=node.name)
            last.metadata_props.extend(node.metadata_props)
            yield last

    def _constants(self, table: TensorProto) -> tuple[str, ...]:
        """Names of what a lookup gathers: rows, and their scales where those are gathered too."""
        before = numpy_helper.to_array(table)
        dtype = before.dtype
        if self._kind == "fp16":
            held = before.astype(np.float16)
            self._note(table, before, held.astype(np.float64), held.nbytes)
            return (self._graph.add(f"{table.name}_fp16", held),)
        rows, scales = quantised_rows(before)
        scales = scales.astype(dtype)
        after = rows.astype(np.float64) * scales.astype(np.float64)
        self._note(table, before, after, rows.nbytes + scales.nbytes)
        name = self._graph.add(f"{table.name}_int8", rows)
        if self._rows_first:
            return name, self._graph.add(f"{table.name}_scales", scales)
        scale = self._graph.add(f"{table.name}_scales", scales[:, 0])
        whole = self._graph.fresh(f"{table.name}_float")
        self.dequantized.append(
            helper.make_node("DequantizeLinear", [name, scale], [whole], name=whole, axis=0)
        )
        return (whole,)

    def _note(
        self, table: TensorProto, before: NDArray[Any], after: NDArray[np.float64], size: int
    ) -> None:
        error = float(np.abs(before.astype(np.float64) - after).max(initial=0.0))
        rows, dims = before.shape
        self.changes.append(TableChange(table.name, rows, dims, before.nbytes, size, error))


def quantised_rows(table: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows as INT8, symmetric about zero, and (rows, 1) steps; a row of zeros has the step 1."""
    wide = table.astype(np.float32)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    steps = np.where(largest > 0, largest / _STEPS, 1.0).astype(np.float32)
    if table.dtype == np.float16:  # the steps are kept in it
        steps = np.maximum(steps.astype(np.float16), np.finfo(np.float16).tiny).astype(np.float32)
    rows = np.rint(wide / steps).clip(-_STEPS, _STEPS).astype(np.int8)
    return rows, steps


def _measured(before: ModelProto, after: ModelProto, feeds: Sequence[Feed]) -> tuple[float, float]:
    with running(emulated(before)) as exact, running(emulated(after)) as found:
        pairs = [
            (list(exact.infer(feed).values()), list(found.infer(feed).values())) for feed in feeds
        ]
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    error = max(
        float(np.abs(x.astype(np.float64) - y).max(initial=0.0))
        for one, other in pairs
        for x, y in zip(one, other, strict=True)
    )
    return error, finite_db(worst_noise_db(a, b))
