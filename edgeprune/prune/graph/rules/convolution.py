"""Convolutions: they sum over input channels and create output channels."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule
from edgeprune.prune.graph.rules.weights import attach, note_single, weight_only
from edgeprune.prune.graph.types import IntArray

_PLAIN = ("conv1d", "conv2d", "conv3d", "convolution")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


@rule(*_PLAIN, *_TRANSPOSED)
def convolution(context: Context, call: Call) -> Labels:
    """Inputs (N, C, …) or (C, …) with weight (O, C/g, …), or (C, O/g, …) when transposed."""
    x: Labels = call.args["input"]
    weight: Labels = call.args["weight"]
    if not weight_only(context, call, weight):
        return context.unknown(call.shape, f"{call.where} computes its own weight")
    transposed = call.op.startswith("aten::conv_transpose") or bool(call.args.get("transposed"))
    channel = x.rank - weight.rank + 1
    spatial = range(channel + 1, x.rank)
    x = context.fix(x, spatial, f"{call.where} slides over them", quiet=True)
    weight = context.fix(weight, range(2, weight.rank), "it is the size of a kernel", quiet=True)
    connect = _transposed if transposed else _plain
    out = connect(context, x.vector(channel), weight, call.args["groups"])
    note_single(context, call, weight, len(out))
    bias: Labels | None = call.args["bias"]
    attach(context, out, bias, 0)
    if bias is not None and len(out) == bias.shape[0]:
        context.ledger.beside(out, bias.vector(0))
    places = call.shape if not transposed else x.shape
    batch = places[0] if channel else 1
    context.count(call.module, weight, batch * prod(places[channel + 1 :]))
    return context.result(call.shape, {**x.axes, channel: out}, [x])


def _plain(context: Context, x: IntArray, weight: Labels, groups: int) -> IntArray:
    out, read = weight.vector(0), weight.vector(1)
    if groups > 1 and len(read) == 1:  # depthwise: each input channel owns its outputs
        context.unite(x[:, None], out.reshape(groups, -1))
        return out
    _tie_groups(context, x, read, groups)
    if groups > 1:
        _tie_groups(context, out, out[: len(out) // groups], groups)
    context.ledger.reads(read)
    context.ledger.writes(out)
    return out


def _transposed(context: Context, x: IntArray, weight: Labels, groups: int) -> IntArray:
    read, out = weight.vector(0), weight.vector(1)
    if groups > 1 and len(read) == groups:  # depthwise: input channel i makes len(out) outputs
        weight = context.fix(weight, [1], "it multiplies channels by a fixed number", quiet=True)
        context.unite(x, read)
        return np.repeat(read, len(out))
    context.unite(x, read)
    _tie_groups(context, read, read[: len(read) // groups], groups)
    context.ledger.reads(read)
    context.ledger.writes(out)
    return np.tile(out, groups)


def _tie_groups(context: Context, channels: IntArray, one_group: IntArray, groups: int) -> None:
    """Every group of a grouped convolution keeps the same offsets."""
    context.unite(channels.reshape(groups, -1), one_group[None, :])
