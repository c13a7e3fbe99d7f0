"""What layers with a weight have in common."""

from __future__ import annotations

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.types import IntArray


def weight_only(context: Context, call: Call, weight: Labels) -> bool:
    """Whether the weight comes from parameters alone; else all that meets it stays."""
    if not weight.weight:
        context.protect(call.labels(), f"{call.where} computes its own weight from its input")
    return weight.weight


def attach(context: Context, channels: IntArray, follower: Labels | None, axis: int) -> None:
    """Tie an optional parameter (bias, gain, running statistic) to the channels it belongs to."""
    if follower is not None and follower.shape[axis] > 1:
        context.unite(channels, follower.vector(axis))


def created(context: Context, call: Call, weight: Labels, out: IntArray) -> IntArray:
    """Output channels of a layer; a layer with a single one is named, it cannot shrink."""
    if len(out) == 1 and weight.source is not None:
        layer = call.module or weight.source
        context.ledger.note(layer, "it has a single output channel")
    return out
