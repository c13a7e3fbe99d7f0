"""Attention: queries and keys meet over the width of a head, scores are scaled by it."""

from __future__ import annotations

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule


@rule("scaled_dot_product_attention")
def attention(context: Context, call: Call) -> Labels:
    """Queries (…, L, E), key (…, S, E), value (…, S, V) -> (…, L, V)."""
    query, key, value = (call.args[name] for name in ("query", "key", "value"))
    mask = call.args["attn_mask"]
    parts = [query, key, value] + ([mask] if mask is not None else [])
    scores = f"{call.where} makes scores of them"
    query, key = (context.fix(v, [-2], scores) for v in (query, key))
    value = context.fix(value, [-2], f"{call.where} weighs these positions")
    if mask is not None:
        mask = context.fix(mask, [d for d in (-1, -2) if mask.rank >= -d], scores)
    if call.args["enable_gqa"]:
        context.protect(parts, f"{call.where} shares heads between queries")
        return Labels(call.shape, value.fixed)
    context.unite(query.vector(-1), key.vector(-1))
    scaled = True if call.args["scale"] is None else None
    context.product(call.module, query, -1, key, -1, where=call.where, scaled=scaled)
    heads = [
        Labels((*v.shape[:-2], 1, 1), v.fixed, {d: a for d, a in v.axes.items() if d < v.rank - 2})
        for v in (query, key, value, mask)
        if v is not None
    ]
    met = context.meet(heads, (*call.shape[:-2], 1, 1))
    last = len(call.shape) - 1
    return context.result(call.shape, {**met.axes, last: value.vector(-1)}, [value])
