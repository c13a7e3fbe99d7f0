"""Which launch of a sparse kernel suits a layer, before anything is measured.

The same choice as `default_tactic` of `cuda/plan/tactics.cc` and `vmma_tactics.cc` makes, which
say why.
"""

from __future__ import annotations

from typing import Iterator, Sequence

from edgeprune.device.sparse.blocks import (
    TENSOR_HALF_STEP,
    TENSOR_PIXELS,
    TENSOR_ROWS,
    TENSOR_VECTOR,
    Block,
    PackedConv,
    channel_words,
    divided_up,
    fits,
    groups_per_block,
    kept_channels,
    shared_bytes,
    warps_across,
)
from edgeprune.device.sparse.formats import HWC8
from edgeprune.device.sparse.launches import LAUNCHES
from edgeprune.device.sparse.launches import TENSOR_ROWS as TILE_ROWS

# From a compute capability on, warps of a block.
_WARPS = ((0, 16), (80, 8))
# The same, kilobytes of shared memory with which as many blocks are resident as registers allow.
_SHARED = ((0, 32), (72, 48), (80, 40), (86, 32), (87, 53), (89, 32), (90, 53))
_CROWDED = 0.75
_SPLIT = {1: 1.0, 2: 0.95, 4: 0.9}
_TENSOR_COLUMNS = 16
_MULTIPLY_CLOCKS, _TILE_CLOCKS = 4.0, 100.0
_ROWS_AT_HALF = 4
_FEWER_THREADS = 0.8


def default_block(conv: PackedConv, density: float) -> tuple[Block, float]:
    """The most suitable launch and its suitability, which is below zero where none fits.

    Args:
        density: share of the columns that is stored.
    """
    best, best_use = Block(1, 1, 1, 1, 1), -3.0
    for blocks in _tensor_blocks(conv) if conv.on_tensor_cores else _direct_blocks(conv):
        lanes = lane_use(conv, blocks[0], density)
        for block in blocks:
            # Most are worse before their shared memory is looked at; rounding must not decide.
            if best_use >= 0 and lanes * _at_most(conv, block) < best_use * (1 - 1e-9):
                continue
            use = _suitability(conv, block, density, lanes)
            if use > best_use:
                best, best_use = block, use
    return best, best_use


def suitability(conv: PackedConv, block: Block, density: float) -> float:
    """Share of the multiply-adds that are wanted, less for what else costs time."""
    return _suitability(conv, block, density, lane_use(conv, block, density))


def _suitability(conv: PackedConv, block: Block, density: float, lanes: float) -> float:
    if not fits(conv, block):
        return lanes - 2.0
    there, taken = _shared(conv.sm) * block.warps, shared_bytes(conv, block) * _warps(conv.sm)
    room = _CROWDED * there / taken if taken > there else 1.0
    if conv.on_tensor_cores:
        multiply, stage = _multiply_clocks(conv, block, density), _stage_clocks(conv, block)
        return lanes * multiply / (multiply + stage) * room * _at_most(conv, block)
    return lanes * _SPLIT[block.lane_split] * _busy(conv, block) * room


def _at_most(conv: PackedConv, block: Block) -> float:
    """What is left of its lanes' use, whatever shared memory it takes."""
    if conv.on_tensor_cores:
        return _FEWER_THREADS if block.pixels_per_lane > _ROWS_AT_HALF else 1.0
    return _SPLIT[block.lane_split] * _busy(conv, block)


def _busy(conv: PackedConv, block: Block) -> float:
    return 0.5 + 0.5 * block.warps / _useful_warps(conv, block.groups_per_warp)


def lane_use(conv: PackedConv, block: Block, density: float) -> float:
    """Predicted share of wanted multiply-adds."""
    height, width = conv.shape.out_size
    columns = _columns_of_segment(conv, density)
    if conv.on_tensor_cores:
        strips = float(_strips_of_row(width, min(block.tile_columns, width)))
        filled = columns / _TENSOR_COLUMNS
        return width / (strips * TENSOR_PIXELS) * filled / _steps_of_segment(conv, density)
    down = divided_up(height, block.pixels_per_lane) * block.pixels_per_lane
    across = divided_up(width, block.tile_columns)
    in_tile = height * width / (down * across * (32.0 / block.lane_split))
    listed = max(1.0, columns)
    return in_tile * listed / (listed + _empty_places(conv, block.lane_split, density))


def _direct_blocks(conv: PackedConv) -> Iterator[Sequence[Block]]:
    """Those whose lanes do the same; narrower tiles too, since they take less shared memory."""
    width = max(conv.shape.out_size[1], 1)
    for launch in LAUNCHES:
        if launch.vector != conv.vector:
            continue
        most = _useful_warps(conv, launch.groups_per_warp)
        warps = [most >> halved for halved in range(most.bit_length())]
        widest = divided_up(width, divided_up(width, launch.widest_tile))
        columns = widest
        rest = (launch.pixels_per_lane, launch.groups_per_warp, launch.lane_split)
        while columns >= 1 and 4 * columns >= widest:
            yield [Block(columns, *rest, each) for each in warps]
            columns //= 2


def _tensor_blocks(conv: PackedConv) -> Iterator[Sequence[Block]]:
    width, most = conv.shape.out_size[1], _warps(conv.sm)
    for rows in TILE_ROWS:
        for across in range(1, min(most, warps_across(width)) + 1):
            columns, groups = min(width, across * TENSOR_PIXELS), [1]
            while 2 * groups[-1] * across <= most and groups[-1] < conv.rows:
                groups.append(2 * groups[-1])
            yield [Block(columns, rows, 1, 1, each * across) for each in groups]


def _useful_warps(conv: PackedConv, groups_per_warp: int) -> int:
    return min(_warps(conv.sm), divided_up(conv.rows, groups_per_warp))


def _warps(sm: int) -> int:
    return next(warps for since, warps in reversed(_WARPS) if since <= sm)


def _shared(sm: int) -> int:
    return 1024 * next(kilobytes for since, kilobytes in reversed(_SHARED) if since <= sm)


def _columns_of_segment(conv: PackedConv, density: float) -> float:
    height, width = conv.shape.kernel
    return conv.channels_at_once * height * width * density


def _steps_of_segment(conv: PackedConv, density: float) -> float:
    return (_columns_of_segment(conv, density) + _empty_places(conv, 1, density)) / _TENSOR_COLUMNS


def _empty_places(conv: PackedConv, lane_split: int, density: float) -> float:
    """As `empty_places` of cuda/plan/ring.cc."""
    together, part = lane_split, lane_split
    if conv.on_tensor_cores:
        together, part = _TENSOR_COLUMNS, TENSOR_HALF_STEP
    height, width = conv.shape.kernel
    x = 2.0 * (kept_channels(conv, lane_split) * (height * width) * density) / together
    too_few = 1.0 / (1.0 + x + x * x / 2.0 + x * x * x / 6.0)
    return 0.5 * (part - 1) * (1.0 + (conv.tiles - 1.0) * too_few) / conv.tiles


def _strips_of_row(width: int, tile_columns: int) -> int:
    whole = width // tile_columns * warps_across(tile_columns)
    return whole + warps_across(width % tile_columns)


def _multiply_clocks(conv: PackedConv, block: Block, density: float) -> float:
    height, width = conv.shape.out_size
    columns = min(block.tile_columns, width)
    groups = float(min(groups_per_block(conv, block), conv.rows))
    strips = 1.0 * _strips_of_row(width, columns) / divided_up(width, columns)
    rows = 1.0 * height / divided_up(height, block.pixels_per_lane)
    each = TENSOR_VECTOR // TENSOR_ROWS
    steps = _steps_of_segment(conv, density)
    return groups * strips * steps * each * rows * _MULTIPLY_CLOCKS


def _stage_clocks(conv: PackedConv, block: Block) -> float:
    words = conv.channels_at_once * channel_words(conv, block)
    channels = conv.channels_at_once
    lanes = 32.0 * divided_up(channels, 32) / channels if conv.layout == HWC8 else 1.0
    return words * (2.0 * block.pixels_per_lane + 2) / 32 * lanes + _TILE_CLOCKS
