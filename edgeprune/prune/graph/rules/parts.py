"""Operations that take a part of an axis or cut it into parts."""

from __future__ import annotations

import numpy as np

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule
from edgeprune.prune.graph.types import IntArray

_AXIS_ARGUMENT = {
    "aten::slice": "dim",
    "aten::narrow": "dim",
    "aten::select": "dim",
    "aten::index_select": "dim",
    "aten::roll": "dims",
    "aten::unfold": "dimension",
}


@rule("slice", "narrow", "select", "index_select", "roll", "unfold")
def by_number(context: Context, call: Call) -> Labels:
    """Positions picked by number: after a removal the number would mean another position."""
    x: Labels = call.args["self"]
    if call.op in ("aten::slice", "aten::narrow") and call.shape == x.shape:
        return x
    if call.op == "aten::slice" and (part := _equal_part(context, call, x)) is not None:
        return part
    named = call.args[_AXIS_ARGUMENT[call.op]]
    axes = list(named) if isinstance(named, (list, tuple)) else [named]
    return _picked(context, call, axes or list(range(x.rank)))


def _equal_part(context: Context, call: Call, x: Labels) -> Labels | None:
    """One of several equal parts of an axis; None where the slice is anything else.

    Whether the bounds follow the width or are written out is tried later (`find_channels`).
    """
    axis = call.args["dim"] % x.rank
    whole, part = x.shape[axis], call.shape[axis]
    start = call.args["start"] or 0
    start = max(0, start + (whole if start < 0 else 0))
    if axis not in x.axes or call.args["step"] != 1 or not part or whole % part or start % part:
        return None
    rows = x.vector(axis).reshape(-1, part)
    context.unite(rows[:1], rows)
    context.cuts.append((rows[0], start, start + part, whole))
    return _with_axis(context, x, axis, rows[start // part], call.shape)


@rule("index")
def index(context: Context, call: Call) -> Labels:
    """`x[:, i, j]`: the axes that are indexed stay."""
    return _picked(context, call, [d for d, i in enumerate(call.args["indices"]) if i is not None])


def _picked(context: Context, call: Call, axes: list[int]) -> Labels:
    text = f"{call.where} picks its positions by fixed numbers"
    x = context.fix(call.args["self"], axes, text)
    context.protect([v for v in call.labels() if v is not call.args["self"]], text, quiet=True)
    return context.move(x, call.shape, lambda t: call.rerun("self", t))


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split")
def cut(context: Context, call: Call) -> tuple[Labels, ...]:
    """Equal parts lose the same offsets; unequal ones have literal bounds, so they stay."""
    x: Labels = call.args["self"]
    axis = call.args["dim"] % x.rank
    widths = [shape[axis] for shape in call.shapes]
    if axis in x.axes and len(widths) > 1:
        if len(set(widths)) > 1:
            x = context.fix(x, [axis], f"{call.where} cuts its channels at fixed numbers")
        else:
            rows = x.vector(axis).reshape(len(widths), -1)
            context.unite(rows[:1], rows)
    pieces = np.split(x.vector(axis), np.cumsum(widths)[:-1])
    return tuple(
        _with_axis(context, x, axis, piece, shape)
        for piece, shape in zip(pieces, call.shapes, strict=True)
    )


@rule("unbind")
def unbind(context: Context, call: Call) -> tuple[Labels, ...]:
    """One result per position, so that axis stays."""
    axis = call.args["dim"]
    text = f"{call.where} makes one tensor of each of its channels"
    x = context.fix(call.args["self"], [axis], text)
    first = context.move(x, call.shape, lambda t: t.select(axis, 0))
    return tuple(first for _ in call.shapes)


@rule("glu")
def glu(context: Context, call: Call) -> Labels:
    """Halves an axis and gates one half by the other: both halves lose the same offsets."""
    x: Labels = call.args["self"]
    axis = call.args["dim"] % x.rank
    halves = x.vector(axis).reshape(2, -1)
    context.unite(halves[0], halves[1])
    return _with_axis(context, x, axis, halves[0], call.shape)


def _with_axis(
    context: Context, x: Labels, axis: int, vector: IntArray, shape: tuple[int, ...]
) -> Labels:
    return context.result(shape, {**x.axes, axis: vector}, [x])
