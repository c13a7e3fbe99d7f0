"""Products that sum over an axis: linear layers, matrix products, einsum."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule
from edgeprune.prune.graph.rules.weights import note_single
from edgeprune.prune.graph.types import IntArray

Letters = tuple[str, ...]


def contract(
    context: Context, call: Call, values: Sequence[Labels], letters: Sequence[Letters], out: Letters
) -> Labels:
    """Unite along every letter; letters that are not in `out` are summed over.

    Args:
        values: the operands.
        letters: a name for each axis of each operand; equal names are equal axes.
        out: a name for each axis of the result.
    """
    sizes: dict[str, int] = {}
    met: dict[str, IntArray] = {}
    for value, names in zip(values, letters, strict=True):
        for axis, name in enumerate(names):
            sizes[name] = max(sizes.get(name, 1), value.shape[axis])
            if value.shape[axis] > 1:
                met[name] = context.join(met.get(name), value.vector(axis))
    for name in sizes.keys() - set(out):
        _sum_over(context, call, values, letters, name)
    _mark_created(context, values, letters, out)
    _count(context, call, values, prod(sizes.values()))
    vectors = {axis: met[name] for axis, name in enumerate(out) if name in met}
    return context.result(call.shape, vectors, values)


def _sum_over(
    context: Context,
    call: Call,
    values: Sequence[Labels],
    letters: Sequence[Letters],
    name: str,
) -> None:
    """Zero slices of a weight silence a summed channel; without a weight nothing does."""
    found = [
        (v, names.index(name)) for v, names in zip(values, letters, strict=True) if name in names
    ]
    weights = [(v, axis) for v, axis in found if v.weight]
    if weights and len(found) > 1:
        value, axis = weights[-1]
        context.ledger.reads(value.vector(axis))
        return
    if len(found) == 2:
        (left, left_axis), (right, right_axis) = found
        context.product(call.module, left, left_axis, right, right_axis, where=call.where)
        return
    for value, axis in found:
        context.fix(value, [axis], f"{call.where} sums over them")


def _mark_created(
    context: Context,
    values: Sequence[Labels],
    letters: Sequence[Letters],
    out: Letters,
) -> None:
    """Axes that only a weight brings into the result are channels it creates."""
    for i, value in enumerate(values):
        others = {name for j, names in enumerate(letters) if j != i for name in names}
        if value.weight and set(letters[i]) & others:
            for axis, name in enumerate(letters[i]):
                if name in out and name not in others:
                    context.ledger.writes(value.vector(axis))


def _count(context: Context, call: Call, values: Sequence[Labels], products: int) -> None:
    weights = [v for v in values if v.weight]
    if len(weights) == 1 and len(values) > 1:
        context.count(call.module, weights[0], products // max(prod(weights[0].shape), 1))


@rule("linear")
def linear(context: Context, call: Call) -> Labels:
    """Inputs (…, I) with weight (O, I) -> (…, O)."""
    x, weight, bias = call.args["input"], call.args["weight"], call.args["bias"]
    lead = tuple(f"batch{d}" for d in range(x.rank - 1))
    letters, out = [(*lead, "i"), ("o", "i")[-weight.rank :]], (*lead, "o")[: len(call.shape)]
    product = contract(context, call, [x, weight], letters, out)
    note_single(context, call, weight, weight.shape[0])
    if bias is None:
        return product
    if weight.rank > 1:
        context.ledger.beside(weight.vector(0), bias.vector(0))
    return _plus(context, product, bias)


@rule("matmul", "mm", "bmm", "mv", "dot", "vdot")
def matmul(context: Context, call: Call) -> Labels:
    """(…, M, K) @ (…, K, N) -> (…, M, N); vectors lack M or N."""
    left, right = (v for v in call.labels())
    letters = [_left_letters(left.rank), _right_letters(right.rank)]
    rows = ("m",) if left.rank > 1 else ()
    columns = ("n",) if right.rank > 1 else ()
    batch = tuple(f"batch{d}" for d in range(max(left.rank, right.rank, 2) - 2))[::-1]
    return contract(context, call, [left, right], letters, (*batch, *rows, *columns))


@rule("addmm", "baddbmm")
def addmm(context: Context, call: Call) -> Labels:
    """One addend plus a matrix product."""
    plus, left, right = call.labels()
    letters = [_left_letters(left.rank), _right_letters(right.rank)]
    batch = ("batch0",) if left.rank > 2 else ()
    product = contract(context, call, [left, right], letters, (*batch, "m", "n"))
    return _plus(context, product, plus)


def _left_letters(rank: int) -> Letters:
    return (*_batch(rank), "m", "k") if rank > 1 else ("k",)


def _right_letters(rank: int) -> Letters:
    return (*_batch(rank), "k", "n") if rank > 1 else ("k",)


def _batch(rank: int) -> Letters:
    """Batch axes are matched from the right, so they are numbered from there."""
    return tuple(f"batch{d}" for d in reversed(range(rank - 2)))


def _plus(context: Context, product: Labels, bias: Labels) -> Labels:
    met = context.meet([product, bias], product.shape)
    return Labels(met.shape, met.fixed, met.axes, product.weight, trails=product.trails)


@rule("einsum")
def einsum(context: Context, call: Call) -> Labels:
    """Any product in Einstein's notation; one with an ellipsis or a diagonal is not followed."""
    equation = str(call.args["equation"]).replace(" ", "")
    values = call.args["tensors"]
    sides, arrow, out = equation.partition("->")
    letters = [tuple(side) for side in sides.split(",")]
    plain = (
        arrow and "." not in equation and all(len(set(names)) == len(names) for names in letters)
    )
    if not plain:
        context.protect(values, f"{call.where} with '{equation}' is not followed")
        return context.unknown(call.shape, f"it comes from {call.where} with '{equation}'")
    return contract(context, call, values, letters, tuple(out))
