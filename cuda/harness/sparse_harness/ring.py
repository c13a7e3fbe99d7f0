"""Where columns lie in the ring of channels, in numpy: cuda/plan/ring.h says what it is for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.vcsr import Vcsr
from sparse_harness.planner import Planner
from sparse_harness.structures import Convolution, TacticStruct


def channels(packed: Vcsr) -> NDArray[np.intp]:
    """Of every column, within its group of the convolution."""
    tile = np.repeat(np.arange(len(packed.seg) - 1) % packed.tiles, np.diff(packed.seg))
    area = packed.shape[2] * packed.shape[3]
    found: NDArray[np.intp] = tile * packed.channel_tile + packed.off // area
    return found


def ring_offsets(
    planner: Planner, conv: Convolution, tactic: TacticStruct, packed: Vcsr
) -> NDArray[np.uint16]:
    """Words of shared memory at which the columns' inputs begin."""
    arguments = planner.plan(conv, tactic).arguments
    position = planner.lower(conv, tactic, packed.off) % arguments.channel_words
    place = channels(packed) % arguments.ring_channels
    return (place * arguments.channel_words + position).astype(np.uint16)


def present(
    planner: Planner, conv: Convolution, tactic: TacticStruct, tile: int
) -> tuple[int, int]:
    """First channel that lies in the ring while a tile is worked on, and that behind the last."""
    arguments = planner.plan(conv, tactic).arguments
    behind = min(arguments.group_channels, (tile + 1) * arguments.channel_tile)
    return max(0, behind - arguments.ring_channels), behind
