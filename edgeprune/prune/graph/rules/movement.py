"""Operations that rearrange elements: they are run as they are, on the labels."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule


@rule(
    *("clone", "contiguous", "alias", "detach", "lift_fresh_copy", "lift_fresh", "dropout"),
    *("feature_dropout", "alpha_dropout", "feature_alpha_dropout", "to", "_to_copy", "type_as"),
    *("float", "half", "bfloat16", "double", "fill", "zero", "bernoulli"),
)
def same_places(_: Context, call: Call) -> Labels:
    """The result has the elements, or at least the places, of the first argument."""
    return next(call.labels())


@rule("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like")
def like(_: Context, call: Call) -> Labels:
    """A fresh tensor that takes its shape from another: it shrinks with that one."""
    return _fresh(next(call.labels()))


@rule("new_zeros", "new_ones", "new_full", "new_empty")
def new_tensor(context: Context, call: Call) -> Labels:
    """Like the source where it has the source's shape, else a constant."""
    x = next(call.labels())
    if x.shape == call.shape:
        return _fresh(x)
    return Labels(call.shape, context.constant, weight=True)


def _fresh(x: Labels) -> Labels:
    return Labels(x.shape, x.fixed, x.axes, x.weight)


@rule("view", "reshape", "_unsafe_view", "view_as", "reshape_as")
def reshape(context: Context, call: Call) -> Labels:
    """A new shape for the same elements; an axis that is split keeps a rectangle."""
    x: Labels = call.args["self"]
    if prod(x.shape) != prod(call.shape):
        context.protect([x], f"{call.where} reads its bytes as another type")
        return Labels(call.shape, x.fixed)
    return context.move(x, call.shape, lambda t: t.reshape(call.shape), call.module)


@rule(
    *("flatten", "unflatten", "permute", "transpose", "t", "numpy_T", "mT", "adjoint", "movedim"),
    *("moveaxis", "swapaxes", "swapdims", "squeeze", "unsqueeze", "flip"),
    *("repeat", "tile", "ravel"),
)
def rearrange(context: Context, call: Call) -> Labels:
    """Runs on labels as it is: its meaning does not depend on the width."""
    module = call.module if call.op == "aten::unflatten" else None
    return context.move(call.args["self"], call.shape, lambda t: call.rerun("self", t), module)


@rule("expand", "expand_as")
def expand(context: Context, call: Call) -> Labels:
    """Axes of size 1 take on a width: that of what they are going to meet."""
    x: Labels = call.args["self"]
    moved = context.move(x, call.shape, lambda t: call.rerun("self", t))
    new = len(call.shape) - x.rank
    stretched = {axis + new for axis, width in enumerate(x.shape) if width == 1}
    return replace(moved, stretched=frozenset(stretched) - moved.axes.keys())


@rule("pixel_unshuffle")
def pixel_unshuffle(context: Context, call: Call) -> Labels:
    """(C, H·r, W·r) -> (C·r², H, W): each channel becomes r² neighbours."""
    x = context.fix(call.args["self"], [-1, -2], _ROWS.format(call.where))
    return context.move(x, call.shape, lambda t: call.rerun("self", t))


@rule("pixel_shuffle")
def pixel_shuffle(context: Context, call: Call) -> Labels:
    """(C·r², H, W) -> (C, H·r, W·r): the r² input channels of an output channel go together."""
    x = context.fix(call.args["self"], [-1, -2], _ROWS.format(call.where))
    r = call.args["upscale_factor"]
    rows = x.vector(-3).reshape(-1, r * r)
    context.unite(rows[:, :1], rows)
    vectors = {**x.axes, x.rank - 3: rows[:, 0]}
    return context.result(call.shape, vectors, [x])


@rule("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(context: Context, call: Call) -> Labels:
    """Interleaves the groups of channels: every group loses the same offsets."""
    x: Labels = call.args["self"]
    rows = x.vector(1).reshape(call.args["groups"], -1)
    context.unite(rows[:1], rows)
    return context.result(call.shape, {**x.axes, 1: rows.T.reshape(-1)}, [x])


_ROWS = "{} rearranges its rows and columns"
