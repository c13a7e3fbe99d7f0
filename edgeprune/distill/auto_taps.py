"""Where to tap a network, read from how it runs.

The rules, in order; the first that finds candidates decides:

1. Residual blocks. A block is an innermost module that adds two streams of its output's shape, and
   its siblings of the same class.
2. Resolution stages of networks that add nothing (VGG, DenseNet): the last module of each map size,
   the outermost if several end there. A pool belongs to no stage. Where stages end in blocks, plain
   layers before the first block are the stem and left out.
3. Vectors: the hidden activations, or else the hidden linear layers, of networks without any map;
   and stacks of vectors (batch, positions, width) that a module without weights puts together.

Blocks and stages are tapped where the network itself reads them: at their output if they end in an
activation or no activation follows (linear bottlenecks); otherwise, in pre-activation networks, at
the activation module that runs next.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from edgeprune.distill.trace import Call, OpKind, Trace


def find_taps(trace: Trace) -> tuple[str, ...]:
    """Module paths in the order in which they run; empty when nothing fits."""
    rules: tuple[Callable[[Trace], list[Call]], ...] = (
        _residual_blocks,
        _ends_of_stages,
        _hidden_vectors,
    )
    candidates = next((found for rule in rules if (found := rule(trace))), [])
    taps = [_what_follows(call, trace) for call in candidates if _is_usable(call)]
    ordered = sorted(taps, key=lambda call: call.last)
    return tuple(dict.fromkeys(call.path for call in ordered))


def _residual_blocks(trace: Trace) -> list[Call]:
    sums = {(op.owner, op.shape) for op in trace.ops if op.kind == "add"}
    adders = [call for call in trace.calls if (call.path, call.shape) in sums]
    classes = {
        type(call.module)
        for call in adders
        if not any(other.path.startswith(f"{call.path}.") for other in adders)
    }
    return [call for call in trace.calls if type(call.module) in classes]


def _ends_of_stages(trace: Trace) -> list[Call]:
    stages: dict[tuple[int, ...], Call] = {}
    for call in trace.calls:
        if call.shape is None or not _is_map(call) or _last_kind(call, trace) in (None, "pool"):
            continue
        best = stages.get(call.shape[2:])
        if best is None or call.depth <= best.depth:
            stages[call.shape[2:]] = call
    ends = [_innermost(call, trace) for call in stages.values()]
    first_block = min((call.first for call in ends if not call.is_leaf), default=0)
    return [call for call in ends if call.last > first_block]


def _hidden_vectors(trace: Trace) -> list[Call]:
    last_op = max((i for i, op in enumerate(trace.ops) if op.kind != "view"), default=-1)
    vectors = [
        call
        for call in trace.calls
        if call.is_leaf and call.shape is not None and len(call.shape) == 2 and call.last <= last_op
    ]
    stacks = [
        call
        for call in trace.calls
        if call.is_leaf
        and call.shape is not None
        and len(call.shape) == 3
        and not any(True for _ in call.module.parameters())
    ]
    activations = [call for call in vectors if _is_activation(call, trace)]
    chosen = activations or [call for call in vectors if isinstance(call.module, nn.Linear)]
    return [*chosen, *stacks] if chosen else []


def _innermost(end: Call, trace: Trace) -> Call:
    """The innermost module that puts out the same map, which is the better name for it."""
    same = [c for c in trace.calls if c.last == end.last and c.shape == end.shape]
    return max((call for call in same if _last_kind(call, trace)), key=lambda call: call.depth)


def _what_follows(block: Call, trace: Trace) -> Call:
    if _last_kind(block, trace) == "activation":
        return block
    for index in range(block.last, len(trace.ops)):
        if trace.ops[index].kind == "activation":
            runs = (call for call in trace.calls if call.first <= index < call.last)
            return next((call for call in runs if _is_activation(call, trace)), block)
        if trace.ops[index].kind not in ("norm", "view"):
            break
    return block


def _is_usable(call: Call) -> bool:
    """A vector, or more than one position of channels-first maps or channels-last stacks."""
    shape = call.shape
    if shape is None:
        return False
    if len(shape) == 4:
        return _is_map(call) and not _is_channels_last(call.module, shape)
    return len(shape) == 2 or (len(shape) == 3 and shape[1] > 1)


def _is_map(call: Call) -> bool:
    shape = call.shape
    return shape is not None and len(shape) == 4 and math.prod(shape[2:]) > 1


def _is_channels_last(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether the block normalises over its last axis, as Swin's (B, H, W, C) do."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.LayerNorm)]
    return any(norm.normalized_shape[-1] == shape[-1] != shape[1] for norm in norms)


def _is_activation(call: Call, trace: Trace) -> bool:
    return call.is_leaf and _last_kind(call, trace) == "activation"


def _last_kind(call: Call, trace: Trace) -> OpKind | None:
    kinds = [op.kind for op in trace.ops[call.first : call.last] if op.kind != "view"]
    return kinds[-1] if kinds else None
