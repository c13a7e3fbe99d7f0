"""The fewest sectors of 32 bytes that a plan's blocks can move: each once, by every block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from edgeprune.device.sparse.vcsr import Vcsr
from sparse_harness.planner import Planner
from sparse_harness.structures import Convolution, PlanStruct, TacticStruct

_SECTOR = 32


@dataclass(frozen=True)
class Sectors:
    """Of the input, the output and the weights (values, offsets and bounds of segments)."""

    input: int
    output: int
    weights: int


def ideal_sectors(
    planner: Planner, conv: Convolution, tactic: TacticStruct, packed: Vcsr
) -> Sectors:
    """Of a convolution in [N][C][H][W] with one group and a batch of 1."""
    plan = planner.plan(conv, tactic)
    size = packed.val.itemsize
    blocks_of_groups = plan.grid[1]
    tiles = list(_tiles(conv, tactic, plan))
    return Sectors(
        input=blocks_of_groups * sum(
            _touched(_addresses(conv.channels, conv.size, rows, columns), size)
            for rows, columns, _, _ in tiles
        ),
        output=sum(
            _each_channel(conv.outputs, conv.output_size, rows, columns, size)
            for _, _, rows, columns in tiles
        ),
        weights=len(tiles) * _weight_sectors(packed),
    )  # fmt: skip


def _tiles(
    conv: Convolution, tactic: TacticStruct, plan: PlanStruct
) -> Iterator[tuple[range, range, range, range]]:
    """Rows and columns that exist, of the input and of the output, of every tile."""
    height, width = conv.output_size
    for top in range(0, height, tactic.pixels_per_lane):
        for left in range(0, width, plan.arguments.tile_columns):
            rows = range(top, min(top + tactic.pixels_per_lane, height))
            columns = range(left, min(left + plan.arguments.tile_columns, width))
            yield _needed(conv, 0, rows), _needed(conv, 1, columns), rows, columns


def _needed(conv: Convolution, axis: int, outputs: range) -> range:
    reach = (conv.kernel[axis] - 1) * conv.dilation[axis]
    first = outputs[0] * conv.stride[axis] - conv.pads[axis]
    last = outputs[-1] * conv.stride[axis] - conv.pads[axis] + reach
    return range(max(first, 0), min(last + 1, conv.size[axis]))


def _addresses(
    channels: int | Iterable[int], size: tuple[int, int], rows: range, columns: range
) -> np.ndarray:
    channel = np.arange(channels) if isinstance(channels, int) else np.array(list(channels))
    plane: np.ndarray = np.array(rows)[:, None] * size[1] + np.array(columns)
    found: np.ndarray = channel[:, None, None] * size[0] * size[1] + plane
    return found


def _touched(addresses: np.ndarray, size: int) -> int:
    return len(np.unique(addresses * size // _SECTOR))


def _each_channel(
    channels: int, size: tuple[int, int], rows: range, columns: range, itemsize: int
) -> int:
    """Channels are stored by different warps."""
    return sum(
        _touched(_addresses([channel], size, rows, columns), itemsize)
        for channel in range(channels)
    )


def _weight_sectors(packed: Vcsr) -> int:
    """Groups are read by different warps."""
    total = 0
    for group in range(len(packed.perm)):
        first, end = packed.seg[group * packed.tiles], packed.seg[(group + 1) * packed.tiles]
        bounds = np.arange(group * packed.tiles, (group + 1) * packed.tiles + 1)
        columns = np.arange(first, end)
        numbers = np.arange(first * packed.vector, end * packed.vector)
        total += _touched(bounds, 4) + _touched(columns, 2)
        total += _touched(numbers, packed.val.itemsize)
    return total
