"""Normalisation: parameters and running statistics follow the channels."""

from __future__ import annotations

from edgeprune.prune.graph.call import Call, Value
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule
from edgeprune.prune.graph.rules.weights import attach


@rule(
    *("batch_norm", "instance_norm", "native_batch_norm", "_native_batch_norm_legit"),
    *("_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
)
def batch_norm(context: Context, call: Call) -> Value:
    """Each channel along axis 1 on its own."""
    x, *followers = call.labels()
    for follower in followers:
        attach(context, x.vector(1), follower, 0)
    _inexact_across(context, call, x)
    return _with_statistics(context, call, x)


@rule("group_norm")
def group_norm(context: Context, call: Call) -> Labels:
    """Groups of channels share statistics: every group loses the same offsets, and not exactly."""
    x, *followers = call.labels()
    channels = x.vector(1)
    rows = channels.reshape(call.args["num_groups"], -1)
    if rows.shape[1] > 1:
        context.unite(rows[:1], rows)
        context.inexact(channels, f"{call.where} takes statistics over several channels")
    for follower in followers:
        attach(context, channels, follower, 0)
    _inexact_across(context, call, x)
    return x.untraced()


@rule("layer_norm", "rms_norm", "native_layer_norm", "_fused_rms_norm")
def layer_norm(context: Context, call: Call) -> Value:
    """Statistics over the last axes: exact only for axes it does not span."""
    x, *followers = call.labels()
    spanned = len(call.args["normalized_shape"])
    for axis in range(-spanned, 0):
        context.inexact(x.vector(axis), f"{call.where} takes statistics over all channels")
        for follower in followers:
            attach(context, x.vector(axis), follower, axis)
    return _with_statistics(context, call, x)


def _inexact_across(context: Context, call: Call, x: Labels) -> None:
    """Whatever else can shrink (rows, columns, a batch made of channels) enters the statistics."""
    for axis in x.axes.keys() - {1}:
        context.inexact(x.axes[axis], f"{call.where} takes statistics over them")


def _with_statistics(context: Context, call: Call, x: Labels) -> Value:
    """Some variants return mean and deviation too; nobody reads those in a forward pass."""
    x = x.untraced()
    if len(call.shapes) == 1:
        return x
    return (x, *(Labels(shape, context.constant) for shape in call.shapes[1:]))
