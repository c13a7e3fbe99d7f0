"""What it takes to bring a tile of the input to shared memory, and to lay it out for the lanes.

A block brings every channel of its tile of pixels once, whatever its weights are: where few of them
are left, that is as much work as the weights' own. Bytes come as they lie in global memory (`raw`),
16 at a time; then every word gathers its rows from there, one number a load, and is stored
(`cuda/kernels/stage.cuh` and `spread.cuh`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeprune.device.sparse.assumptions import WARP
from edgeprune.device.sparse.blocks import (
    Block,
    PackedConv,
    divided_up,
    groups_per_block,
    raw_bytes,
    word_bytes,
    word_grid,
)
from edgeprune.device.sparse.precision import bytes_of

_BANK_BYTES = 128  # that shared memory passes in a clock
_ADDRESS_INSTRUCTIONS = 4  # of a word: where its rows are, and whether


@dataclass(frozen=True)
class Staging:
    """Of a whole launch.

    Attributes:
        shared_clocks: of shared memory, each SM's.
        instructions: of warps.
    """

    shared_clocks: float
    instructions: float


def staging(conv: PackedConv, block: Block) -> Staging:
    """Of all blocks of a launch.

    Args:
        conv: the layer; its tile of channels is one that fits.
    """
    rows, pitch = word_grid(conv, block)
    whole_width = block.tile_columns >= conv.shape.out_size[1]
    # A warp's words are neighbours, of one row where rows lie apart.
    parts = divided_up(rows * pitch, WARP) if whole_width else rows * divided_up(pitch, WARP)
    size = word_bytes(conv, block)
    numbers = size // bytes_of(conv.precision)
    copied = raw_bytes(replace(conv, channel_tile=1), block) / _BANK_BYTES
    clocks = conv.group_channels * (parts * (numbers + size / 4) + copied)
    each = numbers + 1 + _ADDRESS_INSTRUCTIONS
    instructions = conv.group_channels * (parts * each + copied * _BANK_BYTES / (16 * WARP))
    blocks = _blocks(conv, block)
    return Staging(blocks * clocks, blocks * instructions)


def _blocks(conv: PackedConv, block: Block) -> int:
    height, width = conv.shape.out_size
    down = divided_up(height, block.pixels_per_lane)
    across = divided_up(width, min(block.tile_columns, width))
    beside = divided_up(conv.rows, groups_per_block(conv, block))
    return conv.shape.batch * conv.shape.groups * down * across * beside
