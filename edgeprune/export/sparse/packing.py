"""How a weight with zeros is packed: V from its mask, CT from the board and the layer's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.blocks import PackedConv
from edgeprune.device.sparse.channel_tiles import best_channel_tile, usual_channel_tile
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS, Vcsr, pack

# Multiplications with stored zeros, and stored bytes, that a larger V may cost against the best V.
_MAX_EXTRA_WORK = 1.10
_MAX_EXTRA_BYTES = 1.05
# V = 32 is the tensor-core kernel's, which is of FP16 alone.
_LONGEST = {np.dtype(np.float32): 8, np.dtype(np.float16): 32}


@dataclass(frozen=True)
class Place:
    """Where a layer runs.

    Attributes:
        shape: its sizes.
        sm: compute capability of the board, without the dot.
        layout: of its input and output there.
    """

    shape: ConvShape
    sm: int
    layout: str


def packed(
    weight: NDArray[Any],
    conv_groups: int,
    vector: int | None = None,
    place: Place | None = None,
) -> Vcsr:
    """The weight with the largest V that its mask allows, and the CT that suits its place.

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
        place: None for a CPU, or where the sizes are not known.

    Raises:
        VcsrError: this format does not hold it.
    """
    usual = usual_channel_tile(weight.shape[1])
    if vector is None:
        found = _of_its_mask(weight, conv_groups, usual)
    else:
        found = pack(weight, vector=vector, channel_tile=usual, conv_groups=conv_groups)
    if place is None:
        return found
    tile = _tile_for(place, found)
    return pack(weight, vector=found.vector, channel_tile=tile, conv_groups=conv_groups)


def _of_its_mask(weight: NDArray[Any], conv_groups: int, tile: int) -> Vcsr:
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


def _tile_for(place: Place, found: Vcsr) -> int:
    precision = "fp16" if found.val.dtype == np.float16 else "fp32"
    conv = PackedConv(
        place.shape, found.vector, found.channel_tile, precision, place.layout, place.sm
    )
    columns = len(found.perm) * int(np.prod(found.shape[1:]))
    return best_channel_tile(conv, found.columns / columns)


def density(weight: NDArray[Any]) -> float:
    """Share of the weights that are not zero."""
    return float(np.count_nonzero(weight)) / max(weight.size, 1)


def _work(one: Vcsr) -> int:
    return one.val.size
