"""Operations that put tensors side by side or add a border."""

from __future__ import annotations

import numpy as np

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule


@rule("cat", "concat", "concatenate")
def cat(context: Context, call: Call) -> Labels:
    """Joins the labels along one axis and unites them along all others."""
    shape = call.shape
    parts = [v for v in call.args["tensors"] if v.rank == len(shape)]
    axis = call.args["dim"] % len(shape)
    across = [
        Labels.of(
            (*v.shape[:axis], 1, *v.shape[axis + 1 :]), v.fixed, _others(v, axis), weight=v.weight
        )
        for v in parts
    ]
    met = context.meet(across, (*shape[:axis], 1, *shape[axis + 1 :]))
    vectors = {**met.axes, axis: np.concatenate([v.vector(axis) for v in parts])}
    return context.result(shape, vectors, parts)


def _others(value: Labels, axis: int) -> dict[int, np.ndarray]:
    return {d: v for d, v in value.axes.items() if d != axis}


@rule("stack")
def stack(context: Context, call: Call) -> Labels:
    """A new axis, one position per tensor; the others are united."""
    parts = call.args["tensors"]
    met = context.meet(parts, parts[0].shape)
    axis = call.args["dim"] % len(call.shape)
    vectors = {d + (d >= axis): v for d, v in met.axes.items()}
    return context.result(call.shape, vectors, [met])


@rule("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad2d")
def pad(context: Context, call: Call) -> Labels:
    """New positions at the border of an axis; they stay, the old ones may go."""
    x: Labels = call.args["self"]
    amounts = call.args.get("pad") or call.args["padding"]
    vectors = dict(x.axes)
    constant = call.op == "aten::constant_pad_nd" or call.args.get("mode", "") == "constant"
    border = context.ledger.fixed(f"{call.where} widens its channels by a fixed number")
    for i in range(len(amounts) // 2):
        axis, before, after = x.rank - 1 - i, amounts[2 * i], amounts[2 * i + 1]
        if axis not in x.axes or (before, after) == (0, 0):
            continue
        if constant and before >= 0 and after >= 0:
            vectors[axis] = np.pad(x.axes[axis], (before, after), constant_values=border)
        else:
            x = context.fix(x, [axis], f"{call.where} builds a border from its channels")
            vectors.pop(axis)
    return context.result(call.shape, vectors, [x])
