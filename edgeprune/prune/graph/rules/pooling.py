"""Pooling and resizing: each channel on its own, rows and columns change."""

from __future__ import annotations

import re

from edgeprune.prune.graph.call import Call, Value
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.rules.registry import rule

_POOLS = (
    *(f"{kind}_pool{n}d" for kind in ("avg", "max", "adaptive_avg", "adaptive_max") for n in "123"),
    *(f"max_pool{n}d_with_indices" for n in "123"),
    *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "lp_pool1d", "lp_pool2d"),
)
_RESIZES = (
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d"),
    *(
        "upsample_bilinear2d",
        "upsample_bicubic2d",
        "upsample_trilinear3d",
        "_upsample_nearest_exact2d",
    ),
    *("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)


@rule(*_POOLS, *_RESIZES)
def pooling(context: Context, call: Call) -> Value:
    """The last one, two or three axes are rows and columns; all others pass."""
    x = next(call.labels())
    digit = re.search(r"([123])d", call.op)
    spatial = int(digit.group(1)) if digit else x.rank
    x = context.fix(x, range(-spatial, 0), f"{call.where} pools over them")
    results = tuple(context.result(shape, dict(x.axes), [x]) for shape in call.shapes)
    return results[0] if len(results) == 1 else results


@rule("grid_sampler")
def grid_sampler(context: Context, call: Call) -> Labels:
    """Samples rows and columns of x (N, C, …) at the places in a grid."""
    x, grid = call.args["input"], call.args["grid"]
    text = f"{call.where} samples them"
    x = context.fix(x, range(2, x.rank), text)
    context.protect([grid], text)
    return context.result(call.shape, dict(x.axes), [x])
