"""Operations on single elements: what meets goes together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from edgeprune.prune.graph.call import Call
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule

# Twice the input gives twice the output.
_MULTIPLES = frozenset({"aten::mul", "aten::div", "aten::neg", "aten::relu", "aten::leaky_relu"})


@rule(
    *("hardswish", "where", "masked_fill", "copy", "log_sigmoid", "floor_divide", "rsub"),
    *("__and__", "__or__", "__xor__", "polar", "complex"),
)
def pointwise(context: Context, call: Call) -> Labels:
    """Unites the operands under broadcasting; the result carries their labels."""
    operands = list(call.labels())
    met = context.meet(operands, call.shape)
    varying = [value for value in operands if value.axes]
    if len(varying) != 1 or varying[0].shape != call.shape:
        return met
    x = varying[0]
    op = call.op.rstrip("_")
    is_divisor = op == "aten::div" and call.args["self"] is not x
    if op not in _MULTIPLES or is_divisor:
        return met.untraced()
    trails = {axis: trail for axis, trail in x.trails.items() if axis in met.axes}
    return replace(met, trails=trails)


@rule("prelu", "_prelu_kernel")
def prelu(context: Context, call: Call) -> Labels:
    """One slope for all channels, or one per channel along axis 1."""
    x: Labels = call.args["self"]
    weight: Labels = call.args["weight"]
    if call.op == "aten::prelu" and x.rank > 1 and weight.rank == 1 and weight.shape[0] > 1:
        context.unite(x.vector(1), weight.vector(0))
        return x
    return context.meet([x, weight], call.shape)


def is_pointwise(target: Any) -> bool:
    """Whether PyTorch itself declares the operation elementwise (`torch.Tag.pointwise`)."""
    return isinstance(target, torch._ops.OpOverload) and torch.Tag.pointwise in target.tags
