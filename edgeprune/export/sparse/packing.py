"""How a weight with zeros is packed: V from its mask, CT from what a block's memory holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS, Vcsr, pack

# Multiplications with stored zeros, and stored bytes, that a larger V may cost against the best V.
_MAX_EXTRA_WORK = 1.10
_MAX_EXTRA_BYTES = 1.05
# V = 32 is the tensor-core kernel's, which is of FP16 alone.
_LONGEST = {np.dtype(np.float32): 8, np.dtype(np.float16): 32}
# Two tiles, one in use and one on its way, of 16 channels of 8x32 pixels with a border for a 3x3
# kernel are 43 KB in FP32: within the 48 KB of shared memory that every GPU gives a block.
_CHANNEL_TILE = 16


def packed(weight: NDArray[Any], conv_groups: int, vector: int | None = None) -> Vcsr:
    """The weight with the largest V that its mask allows.

    V output channels that share a column load an activation once for V multiplications and store
    its offset once, so a larger V is faster and smaller where the mask has whole columns. Where it
    has not, the column is filled with zeros that cost a multiplication and bytes like any weight:
    at 10 % density V = 4 multiplies 3.4 times as often as V = 1. So the largest V counts whose
    multiplications are at most 10 % and whose bytes are at most 5 % above the best V's. V never
    exceeds the output channels of one group of the convolution, or what kernels of the type have.

    Args:
        weight: float32 or float16, (O, C / conv_groups, KH, KW).
        conv_groups: of the convolution.
        vector: V, in place of that choice.

    Raises:
        VcsrError: this format does not hold it.
    """
    tile = channel_tile(weight.shape[1])
    if vector is not None:
        return pack(weight, vector=vector, channel_tile=tile, conv_groups=conv_groups)
    longest = min(max(weight.shape[0] // max(conv_groups, 1), 1), _LONGEST[weight.dtype])
    tried = [
        pack(weight, vector=length, channel_tile=tile, conv_groups=conv_groups)
        for length in VECTOR_LENGTHS
        if length <= longest
    ]
    least_work = min(_work(one) for one in tried)
    least_bytes = min(one.bytes for one in tried)
    return next(
        one
        for one in sorted(tried, key=lambda one: -one.vector)
        if _work(one) <= _MAX_EXTRA_WORK * least_work
        and (one.bytes <= _MAX_EXTRA_BYTES * least_bytes or one.vector == 1)
    )


def channel_tile(channels: int) -> int:
    """CT: 16 input channels or a little fewer, so that all tiles are alike.

    Args:
        channels: C / conv_groups.
    """
    tiles = -(-channels // _CHANNEL_TILE)
    return -(-channels // tiles)


def density(weight: NDArray[Any]) -> float:
    """Share of the weights that are not zero."""
    return float(np.count_nonzero(weight)) / max(weight.size, 1)


def _work(one: Vcsr) -> int:
    return one.val.size
