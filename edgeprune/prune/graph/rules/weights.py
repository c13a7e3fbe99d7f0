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


def note_single(context: Context, call: Call, weight: Labels, width: int) -> None:
    """Name a layer with a single output channel: it cannot shrink."""
    if width == 1 and weight.source is not None:
        context.ledger.note(call.module or weight.source, "it has a single output channel")
