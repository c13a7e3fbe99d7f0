"""Tables that are looked up: rows stay, columns are channels."""

from __future__ import annotations

from edgeprune.prune.graph.call import Call, Value
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule
from edgeprune.prune.graph.rules.weights import note_single


@rule("embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding(context: Context, call: Call) -> Value:
    """Weight (rows, C) -> (…, C); a bag returns bookkeeping beside it."""
    table: Labels = call.args["weight"]
    others = [v for v in call.labels() if v is not table]
    context.protect(others, f"{call.where} uses them as row numbers", quiet=True)
    table = context.fix(table, [0], "its rows are the vocabulary", quiet=True)
    out = table.vector(1)
    note_single(context, call, table, len(out))
    context.ledger.writes(out)
    x = Labels.of(call.shape, table.fixed, {len(call.shape) - 1: out})
    if len(call.shapes) == 1:
        return x
    return (x, *(Labels(shape, context.constant) for shape in call.shapes[1:]))


@rule("embedding_renorm")
def embedding_renorm(context: Context, call: Call) -> Labels:
    """`max_norm` shortens rows by their length over all columns: none can go alone."""
    table, ids = call.labels()
    context.protect([ids], f"{call.where} uses them as row numbers", quiet=True)
    why = "max_norm rescales rows by their length over all columns: train it without max_norm"
    return context.fix(table, range(table.rank), why)
