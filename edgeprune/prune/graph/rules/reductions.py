"""Operations that fold or scan an axis."""

from __future__ import annotations

from edgeprune.prune.graph.call import Call, Value
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule

_SUMS = frozenset({"aten::sum", "aten::linalg_vector_norm", "aten::norm"})


@rule(
    *("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "prod"),
    *("linalg_vector_norm", "norm", "logsumexp", "argmax", "argmin", "any", "all", "nanmean"),
    *("median", "aminmax", "count_nonzero", "linalg_norm"),
)
def reduction(context: Context, call: Call) -> Value:
    """Folds axes: channels that are folded into each other stay."""
    x: Labels = next(call.labels())
    others = list(call.labels())[1:]
    if others:  # max and min of two tensors
        return context.meet([x, *others], call.shape)
    folded = _axes(call, x.rank)
    if _is_sum(call):  # a channel that is zero where it arises adds nothing
        for axis in folded & x.axes.keys():
            context.ledger.unread(x.axes[axis])
        x = x.without(*folded)
    x = context.fix(x, folded, f"{call.where} folds all channels into one value")
    kept = [d for d in range(x.rank) if d not in folded]
    keepdim = len(call.shape) == x.rank
    vectors = {d if keepdim else kept.index(d): v for d, v in x.axes.items()}
    results = tuple(context.result(shape, vectors, [x]) for shape in call.shapes)
    return results[0] if len(results) == 1 else results


@rule("softmax", "log_softmax", "_softmax", "_log_softmax", "_safe_softmax")
def softmax(context: Context, call: Call) -> Labels:
    """A channel that is masked still takes its share of the sum."""
    x = next(call.labels())
    context.inexact(x.vector(call.args["dim"]), f"{call.where} normalises over all channels")
    return x


@rule("cumsum", "cumprod", "logcumsumexp", "sort", "topk", "cummax", "cummin")
def scan(context: Context, call: Call) -> Value:
    """Every position depends on the others along the axis, so that axis stays."""
    x = next(call.labels())
    x = context.fix(x, [call.args["dim"]], f"{call.where} orders or accumulates its channels")
    results = tuple(context.result(shape, dict(x.axes), [x]) for shape in call.shapes)
    return results[0] if len(results) == 1 else results


def _is_sum(call: Call) -> bool:
    """Of a negative order, a norm is the largest where an element is zero."""
    order = call.args.get("ord", call.args.get("p"))
    return call.op in _SUMS and not (isinstance(order, (int, float)) and order < 0)


def _axes(call: Call, rank: int) -> set[int]:
    named = call.args.get("dim")
    if named is None or (isinstance(named, (list, tuple)) and not named):
        return set(range(rank))
    return (
        {d % rank for d in (named if isinstance(named, (list, tuple)) else [named])}
        if rank
        else set()
    )
